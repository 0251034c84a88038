"""Plain values that the tests of the core share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailwatch.core.judgement import Situation
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.state import Failure
from mailwatch.core.wording import Voice

WALL = 1_700_000_000.0
"""The wall clock at steady 0, in tests that move both clocks alike."""

SituationMaker = Callable[..., Situation]


@pytest.fixture
def voice() -> Voice:
    return Voice(
        host="mx1",
        target="container stalwart",
        look="docker logs --since 30m stalwart",
        clock_text=lambda wall: f"t+{wall - WALL:g}",
    )


@pytest.fixture
def situation() -> SituationMaker:
    """Build a Situation: one silent service of four, and a container that runs for long."""

    def make(
        *faults: Fault,
        condition: Condition = Condition.RUNNING,
        watched: int = 4,
        started_at: float | None = WALL - 86_400,
        finished_at: float | None = None,
        paused_until: Now | None = None,
        detail: str = "",
    ) -> Situation:
        failures = tuple(
            Failure(f"S{number}:{number}", fault, f"detail {number}")
            for number, fault in enumerate(faults or (Fault.SILENT,), start=1)
        )
        target = TargetState(condition, detail, started_at, finished_at)
        return Situation(failures, watched, target, paused_until)

    return make
