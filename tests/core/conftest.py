"""Plain values that the tests of the core share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from mailwatch.core.events import Action, Event, Failed, Restart, RestartEnded, Tell, TimePassed
from mailwatch.core.facts import NOTHING, Fact, words
from mailwatch.core.incident import step
from mailwatch.core.judgement import Situation
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, Target, TargetState
from mailwatch.core.policy import Policy
from mailwatch.core.state import Failure, Incident, Stage, State
from mailwatch.core.wording import Installation
from tests.codes import in_codes

WALL = 1_700_000_000.0
"""The wall clock at steady 0, in tests that move both clocks alike."""

SituationMaker = Callable[..., Situation]


@pytest.fixture
def installation() -> Installation:
    return Installation(
        host="mx1",
        target=Target("docker", "stalwart"),
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
        unproven: frozenset[str] = frozenset(),
        identity: str = "",
        passing: tuple[str, ...] = (),
        cause: Fact = NOTHING,
    ) -> Situation:
        failures = tuple(
            Failure(f"S{number}:{number}", fault, words(f"detail {number}"))
            for number, fault in enumerate(faults or (Fault.SILENT,), start=1)
        )
        target = TargetState(condition, words(detail), started_at, finished_at, identity)
        return Situation(
            failures,
            watched,
            target,
            paused_until,
            unproven=unproven,
            passing=passing,
            cause=cause,
        )

    return make


class Watch:
    """Drives the machine with plain values; both clocks start alike and move together."""

    def __init__(self, situation: SituationMaker, policy: Policy) -> None:
        self._situation = situation
        self.policy = policy
        self.state = State()
        self.now = Now(0.0, WALL)
        self.told: list[Tell] = []
        self.restarts: list[float] = []
        """When restarts were ordered (steady)."""

    def __call__(self, event: Event, after: float = 0) -> tuple[Action, ...]:
        """Let `after` seconds pass, then `event` happen."""
        self.now = Now(self.now.steady + after, self.now.wall + after)
        self.state, actions = step(self.state, event, self.now, self.policy)
        self.told += [action for action in actions if isinstance(action, Tell)]
        self.restarts += [self.now.steady for action in actions if isinstance(action, Restart)]
        return actions

    def fail(self, *faults: Fault, after: float = 0, **of_situation: Any) -> tuple[Action, ...]:
        """End a round in which services failed; see the fixture `situation`."""
        return self(Failed(self._situation(*faults, **of_situation)), after)

    def go_through_restart(self, took: float = 5) -> None:
        """Let a restart that was ordered succeed and settle, up to the first look after it."""
        assert self.is_in(Stage.RESTARTING)
        self(RestartEnded(), took)
        self(TimePassed(), self.policy.settle_s)
        assert self.is_in(Stage.VERIFYING)

    def escalate(self) -> None:
        """Fail, restart in vain, and call a person."""
        self.fail()
        self.go_through_restart()
        self.fail(after=self.policy.verify_for_s)
        assert self.is_in(Stage.ESCALATED)

    def is_in(self, stage: Stage) -> bool:
        """Whether the machine stands there; a call, for mypy to believe that it changes."""
        return self.state.stage is stage

    @property
    def topics(self) -> list[Topic]:
        return [tell.topic for tell in self.told]

    @property
    def incident(self) -> Incident:
        assert self.state.incident is not None
        return self.state.incident


Watcher = Callable[..., Watch]


@pytest.fixture
def watch(situation: SituationMaker) -> Watcher:
    """Build a Watch with the default policy but for what is said, and no grace after a boot."""

    def make(**of_policy: Any) -> Watch:
        return Watch(situation, Policy(**{"boot_grace_s": 0, **of_policy}))

    return make


def _clock(wall: float) -> str:
    seconds = int(wall - WALL)
    return f"{3 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


@pytest.fixture
def night(installation: Installation) -> Installation:
    """A installation whose clock stands at 03:00:00 when steady is 0."""
    return replace(installation, clock_text=_clock)


@pytest.fixture(scope="module", params=["in words", "in codes"])
def said_both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run each test of a module once as it is, and once with every sentence being its code."""
    with in_codes() if request.param == "in codes" else nullcontext():
        yield
