"""Whether the service starts with the host, stays up, and has a watchdog with some patience."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import duration, printable
from mailwatch.doctor.case import Case
from mailwatch.host.systemd import SHORTEST_WATCHDOG_S

_ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime", "static", "indirect")

_SEE_WHY = "See why with `journalctl -u mailwatch`."


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is wrong with the unit, or that nothing is."""
    unit = case.unit
    if unit is None:
        yield warning(
            "mailwatch is not installed as a service, or systemd does not run here.",
            "Install the package to have it run by itself.",
        )
        return
    state = printable(unit["ActiveState"])
    if state in ("active", "reloading"):
        yield ok("The service runs.")
    elif state == "failed":
        yield problem(f"The service has failed ({printable(unit['Result'])}).", _SEE_WHY)
    else:
        yield warning(
            f"The service does not run (it is {state}).", "Run `systemctl enable --now mailwatch`."
        )
    if unit["UnitFileState"] not in _ENABLED:
        yield warning(
            "The service does not start with the host.", "Run `systemctl enable mailwatch`."
        )
    if unit["NRestarts"] not in ("", "0"):
        times = printable(unit["NRestarts"])
        yield warning(f"systemd has had to start it again {times} times.", _SEE_WHY)
    watchdog_s = unit.watchdog_s
    if watchdog_s is None:
        yield warning(
            "The unit has no watchdog, so a hang of mailwatch itself would last.",
            "Set WatchdogSec=90 in `systemctl edit mailwatch`.",
        )
    elif watchdog_s < SHORTEST_WATCHDOG_S:
        yield warning(
            f"Its watchdog of {duration(watchdog_s)} may end it on a busy disk.",
            f"Set WatchdogSec={SHORTEST_WATCHDOG_S:g} or more in `systemctl edit mailwatch`.",
        )
    else:
        yield ok(f"It has a watchdog of {duration(watchdog_s)}.")
