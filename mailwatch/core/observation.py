"""What one round of readings says to the incident machine."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.events import Failed, Passed, Unmeasured
from mailwatch.core.judgement import Situation
from mailwatch.core.model import Now, Reading, TargetState, Verdict
from mailwatch.core.state import Failure


def failures(readings: Sequence[Reading]) -> tuple[Failure, ...]:
    """Return the services that failed, in the order of `readings`."""
    return tuple(Failure.of(reading) for reading in readings if reading.fault is not None)


def still_failing(readings: Sequence[Reading], before: frozenset[str]) -> frozenset[str]:
    """Return the services that have to pass before all is well.

    Those are the ones that failed, and those of `before` that could not be measured this time.
    """
    unmeasured = {r.service for r in readings if r.verdict is Verdict.UNMEASURED}
    return (before & unmeasured) | {failure.service for failure in failures(readings)}


def good_news(readings: Sequence[Reading], failing: frozenset[str]) -> Passed | Unmeasured:
    """Return the event of a round in which nothing failed.

    `failing` are the services that had failed before: as long as one of them could not be
    measured, nobody knows that it recovered. One that is no longer watched is forgotten.
    """
    passed = {reading.service for reading in readings if reading.verdict is Verdict.PASS}
    unmeasured = {r.service for r in readings if r.verdict is Verdict.UNMEASURED}
    return Unmeasured() if failing & unmeasured or not passed else Passed()


def bad_news(
    readings: Sequence[Reading],
    target: TargetState,
    paused_until: Now | None,
    cause: str = "",
    noticed: Now | None = None,
) -> Failed:
    """Return the event of a round in which at least one service failed.

    `noticed` is when its first attempt failed, which is when the outage began for all we know.
    """
    measured = [r for r in readings if r.verdict is not Verdict.UNMEASURED and not r.portless]
    situation = Situation(failures(readings), len(measured), target, paused_until, noticed)
    return Failed(situation, cause)
