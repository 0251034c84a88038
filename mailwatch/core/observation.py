"""What one round of readings says to the incident machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from mailwatch.core.events import Failed, Passed, Unmeasured
from mailwatch.core.evidence import Evidence, rows
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.judgement import Situation
from mailwatch.core.model import Fault, Mask, Now, Reading, TargetState, Verdict
from mailwatch.core.state import Failure

_One = TypeVar("_One", Failure, Reading)

_BEHIND = {
    Mask.PROXY: (Fault.REFUSED, fact("nothing-behind-proxy")),
    Mask.FILTER: (Fault.REJECTED, fact("packets-filtered")),
}
"""What such a failure is in truth, and what is said of it."""

_UNANSWERED = frozenset({Fault.TIMEOUT, Fault.SILENT})


def failures(readings: Sequence[Reading]) -> tuple[Failure, ...]:
    """Return the services that failed, in the order of `readings`."""
    return tuple(
        Failure(reading.service, reading.fault, reading.detail, reading.mask)
        for reading in readings
        if reading.fault is not None
    )


def alike(failing: Iterable[_One]) -> list[tuple[tuple[str, ...], _One]]:
    """Return each way in which `failing` fail: the services that do, and the first of them."""
    found: dict[tuple[Fault | None, Fact], list[_One]] = {}
    for one in failing:
        found.setdefault((one.fault, one.detail), []).append(one)
    return [(tuple(one.service for one in group), group[0]) for group in found.values()]


def still_failing(readings: Sequence[Reading], before: frozenset[str]) -> frozenset[str]:
    """Return the services that have to pass before all is well.

    Those are the ones that failed, and those of `before` that could not be measured this time.
    """
    unmeasured = {r.service for r in readings if r.verdict is Verdict.UNMEASURED}
    return (before & unmeasured) | {failure.service for failure in failures(readings)}


def good_news(readings: Sequence[Reading], failing: frozenset[str]) -> Passed | Unmeasured:
    """Return the event of a round in which nothing failed.

    `failing` are the services that had failed before: as long as one of them could not be
    measured, nobody knows that it recovered. One that is no longer watched holds up nothing.
    """
    passed = {reading.service for reading in readings if reading.verdict is Verdict.PASS}
    unmeasured = {r.service for r in readings if r.verdict is Verdict.UNMEASURED}
    if failing & unmeasured or not passed:
        return Unmeasured()
    return Passed(frozenset(reading.service for reading in readings))


def unmasked(readings: Sequence[Reading], closed: Collection[int]) -> tuple[Reading, ...]:
    """Return `readings`, in which dropped services are refused where nothing listens for them.

    Docker's userland proxy accepts in the place of a server that is gone, and then drops the
    connection as a ban does. `closed` are the ports behind which nothing listens for certain.
    All that were dropped must be among them: where one of them listens and drops us all the
    same, or nobody knows, there may be a ban, and the others may never have been served.
    """
    dropped = [reading for reading in readings if reading.fault is Fault.DROPPED]
    if not all(reading.port in closed for reading in dropped):
        return tuple(readings)
    return tuple(
        _without(Mask.PROXY, reading) if reading.fault is Fault.DROPPED else reading
        for reading in readings
    )


def filtered(readings: Sequence[Reading], unheard: Collection[int]) -> tuple[Reading, ...]:
    """Return `readings`, in which services that a filter hides are rejected, and do not hang.

    `unheard` are the ports of which that is certain. A firewall that drops what an address sends
    is how fail2ban bans it; Docker's userland proxy accepts for the server, and then waits.
    """
    return tuple(
        _without(Mask.FILTER, reading)
        if reading.fault in _UNANSWERED and reading.port in unheard
        else reading
        for reading in readings
    )


def _without(mask: Mask, reading: Reading) -> Reading:
    fault, detail = _BEHIND[mask]
    return replace(reading, fault=fault, detail=detail, mask=mask)


def served(listens: Mapping[int, bool]) -> frozenset[int]:
    """Return the ports behind which something listens, by a TargetState's `listens`."""
    return frozenset(port for port, something in listens.items() if something)


def silent(listens: Mapping[int, bool]) -> frozenset[int]:
    """Return the ports behind which nothing listens for certain, by a TargetState's `listens`."""
    return frozenset(port for port, something in listens.items() if not something)


def heard_in(evidence: Evidence) -> frozenset[int]:
    """Return the ports behind which the evidence shows a listener, as this host knows them."""
    watched = rows(evidence, "connections", "watched")
    ports = [row.get("published_as") for row in watched if row.get("listens") is True]
    return frozenset(port for port in ports if isinstance(port, int))


def bad_news(
    readings: Sequence[Reading],
    target: TargetState,
    paused_until: Now | None,
    cause: Fact = NOTHING,
    noticed: Now | None = None,
    heard: frozenset[int] = frozenset(),
    unproven: frozenset[str] = frozenset(),
    *,
    looked: bool = False,
) -> Failed:
    """Return the event of a round in which at least one service failed.

    `heard` are the ports behind which anybody saw a listener during the round: one that is not
    there any more may have dropped us until a moment ago. The rest is as in Situation and Failed.
    """
    measured = [r for r in readings if r.verdict is not Verdict.UNMEASURED and not r.portless]
    asked = filtered(readings, target.unheard)
    found = failures(unmasked(asked, silent(target.listens) - heard))
    passed = [reading for reading in measured if reading.verdict is Verdict.PASS]
    # A proxy that answers in front of the target does not show that the target talks to us.
    others = sum(reading.port in target.elsewhere for reading in passed)
    refused = [reading for reading in measured if reading.fault is Fault.REFUSED]
    situation = Situation(
        found,
        len(measured) - others,
        target,
        paused_until,
        noticed,
        unproven,
        passing=tuple(reading.service for reading in passed),
        back=frozenset(r.service for r in refused if r.port in served(target.listens)),
    )
    return Failed(situation, cause, _plain_cause(found), looked)


def _plain_cause(found: Sequence[Failure]) -> Fact:
    for mask, code in ((Mask.PROXY, "nothing-listens-for"), (Mask.FILTER, "filtered")):
        names = tuple(failure.service for failure in found if failure.mask is mask)
        if names:
            return fact(code, services=names)
    return NOTHING
