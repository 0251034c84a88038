"""Whether the service starts with the host, stays up, and has a watchdog with some patience."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import duration, printable
from mailwatch.doctor.case import Case
from mailwatch.host.systemd import SHORTEST_WATCHDOG_S
from mailwatch.host.unit import Unit

_ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime", "static", "indirect")

_SEE_WHY = "See why with `journalctl -u mailwatch`."


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is wrong with the unit, or that nothing is."""
    unit = case.unit
    if unit is None:
        yield warning(
            "mailwatch is not installed as a service, or systemd does not run here.",
            "Install the package to have it watch by itself.",
        )
        return
    yield _running(unit)
    if unit["UnitFileState"] not in _ENABLED:
        cure = "Run `systemctl enable mailwatch`."
        yield warning("The service does not start with the host.", cure)
    if unit["NRestarts"] not in ("", "0"):
        times = printable(unit["NRestarts"])
        yield warning(f"systemd has had to start it anew {times} times.", _SEE_WHY)
    yield _watchdog(unit)


def _running(unit: Unit) -> Diagnosis:
    state = printable(unit["ActiveState"])
    if state in ("active", "reloading"):
        return ok("The service runs.")
    if state == "failed":
        return problem(f"The service has failed ({printable(unit['Result'])}).", _SEE_WHY)
    cure = "Run `systemctl enable --now mailwatch`."
    return warning(f"The service does not run (it is {state}).", cure)


def _watchdog(unit: Unit) -> Diagnosis:
    if unit.watchdog_s is None:
        return warning(
            "The unit has no watchdog, so a hang of mailwatch itself would last.",
            "Set WatchdogSec=90 in `systemctl edit mailwatch`.",
        )
    if unit.watchdog_s < SHORTEST_WATCHDOG_S:
        cure = f"Set WatchdogSec={SHORTEST_WATCHDOG_S:g} or more in `systemctl edit mailwatch`."
        sentence = f"Its watchdog of {duration(unit.watchdog_s)} may end it on a busy disk."
        return warning(sentence, cure)
    return ok(f"It has a watchdog of {duration(unit.watchdog_s)}.")
