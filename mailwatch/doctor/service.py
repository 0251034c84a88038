"""Whether the service starts with the host, stays up, and has a watchdog that fits the timings."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.text import duration, printable
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem, warning
from mailwatch.doctor.unit import Unit

_ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime", "static", "indirect")


def examine(case: Case) -> Iterator[Finding]:
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
        yield warning(
            "The service does not start with the host.", "Run `systemctl enable mailwatch`."
        )
    if unit["NRestarts"] not in ("", "0"):
        yield warning(
            f"systemd has had to start it anew {printable(unit['NRestarts'])} times.",
            "See why with `journalctl -u mailwatch`.",
        )
    yield from _watchdog(case, unit)


def _running(unit: Unit) -> Finding:
    state = printable(unit["ActiveState"])
    if state in ("active", "reloading"):
        return ok("The service runs.")
    if state == "failed":
        return problem(
            f"The service has failed ({printable(unit['Result'])}).",
            "See why with `journalctl -u mailwatch`.",
        )
    return warning(
        f"The service does not run (it is {state}).", "Run `systemctl enable --now mailwatch`."
    )


def _watchdog(case: Case, unit: Unit) -> Iterator[Finding]:
    policy = case.config.policy
    step_s = max(policy.attempts.timeout_s, policy.verify_timeout_s)
    if unit.watchdog_s is None:
        yield warning(
            "The unit has no watchdog, so a hang of mailwatch itself would last.",
            "Set WatchdogSec=90 in `systemctl edit mailwatch`.",
        )
    elif unit.watchdog_s <= 2 * step_s:
        yield problem(
            f"WatchdogSec is {duration(unit.watchdog_s)}, but one check may last "
            f"{duration(step_s)}: mailwatch refuses to start on half of it.",
            f"Set WatchdogSec={int(2 * step_s) + 1} or more in `systemctl edit mailwatch`, or a "
            "shorter attempt_timeout_s.",
        )
    else:
        yield ok(f"Its watchdog of {duration(unit.watchdog_s)} fits checks of {duration(step_s)}.")
