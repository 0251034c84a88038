"""The readings that led here, with the seconds of each phase."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.say import say
from mailwatch.evidence.subject import Subject


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `now`, the readings at hand, and `before`, the rounds that went before."""
    before: list[Json] = [
        {"at": round(one.at, 3), "readings": [_as_json(reading) for reading in one.readings]}
        for one in subject.rounds
    ]
    return Finding({"now": at_hand(subject.readings), "before": before})


def at_hand(readings: Sequence[Reading]) -> list[Json]:
    """Return the readings of now as they are kept; a pass that is only remembered is none."""
    return [
        _as_json(reading)
        for reading in readings
        if not (reading.remembered and reading.verdict is Verdict.PASS)
    ]


def _as_json(reading: Reading) -> dict[str, Json]:
    return {
        "service": reading.service,
        "verdict": reading.verdict.value,
        "fault": None if reading.fault is None else reading.fault.value,
        "detail": say(reading.detail),
        "phases": {str(phase): round(seconds, 6) for phase, seconds in reading.phases.items()},
    }
