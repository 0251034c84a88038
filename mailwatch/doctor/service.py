"""Whether the service starts with the host, stays up, and has a watchdog with some patience."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.doctor.case import Case
from mailwatch.host.systemd import SHORTEST_WATCHDOG_S

_ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime", "static", "indirect")


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is wrong with the unit, or that nothing is."""
    unit = case.unit
    if unit is None:
        yield warning("unit-absent")
        return
    state = unit["ActiveState"]
    if state in ("active", "reloading"):
        yield ok("unit-runs")
    elif state == "failed":
        yield problem("unit-failed", result=unit["Result"])
    else:
        yield warning("unit-idle", state=state)
    if unit["UnitFileState"] not in _ENABLED:
        yield warning("unit-disabled")
    if unit["NRestarts"] not in ("", "0"):
        yield warning("unit-restarted", times=int(unit["NRestarts"]))
    watchdog_s = unit.watchdog_s
    if watchdog_s is None:
        yield warning("no-watchdog")
    elif watchdog_s < SHORTEST_WATCHDOG_S:
        yield warning("watchdog-short", watchdog_s=watchdog_s, least_s=SHORTEST_WATCHDOG_S)
    else:
        yield ok("watchdog-well", watchdog_s=watchdog_s)
