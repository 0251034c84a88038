"""The readings that led here, with the seconds of each phase."""

from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json
from mailwatch.core.model import Reading, Verdict
from mailwatch.evidence.subject import Subject


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `now`, the readings at hand, and `before`, the rounds that went before.

    A pass that is only remembered says nothing of now.
    """
    now = [
        reading
        for reading in subject.readings
        if not (reading.remembered and reading.verdict is Verdict.PASS)
    ]
    return Finding(
        {
            "now": [as_json(reading) for reading in now],
            "before": [
                {"at": round(one.at, 3), "readings": [as_json(reading) for reading in one.readings]}
                for one in subject.rounds
            ],
        }
    )


def as_json(reading: Reading) -> dict[str, Json]:
    """Return one reading as it is kept."""
    return {
        "service": reading.service,
        "verdict": reading.verdict.value,
        "fault": None if reading.fault is None else reading.fault.value,
        "detail": reading.detail,
        "phases": {str(phase): round(seconds, 6) for phase, seconds in reading.phases.items()},
    }
