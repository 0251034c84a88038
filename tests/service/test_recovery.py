"""The recovery's one job: whose answer counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.events import RestartEnded
from mailwatch.core.facts import words
from mailwatch.core.model import Condition, Description, Target, TargetState
from mailwatch.core.say import say
from mailwatch.core.state import Left
from mailwatch.host.job import Job
from mailwatch.service.queue_events import EventQueue
from mailwatch.service.recovery import Answer, Recovery
from tests.house import LingeringQueue

PATIENCE_S = 120.0


class Container:
    """A restarter that answers when it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.let_go = threading.Event()

    def describe(self) -> Description:
        return Description(Target("docker", self.name))

    def inspect(self, deadline: Deadline) -> TargetState:
        self.let_go.wait(PATIENCE_S)
        return TargetState(Condition.RUNNING, words(self.name))

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        self.let_go.wait(PATIENCE_S)


@pytest.fixture
def events() -> EventQueue:
    """Return where the answers arrive."""
    return EventQueue()


def taken(recovery: Recovery, events: EventQueue) -> Answer | None:
    """Wait for a job that is over, and return what the recovery takes from it."""
    job = events.get(timeout=PATIENCE_S)
    assert isinstance(job, Job)
    return recovery.take(job)


def test_a_look_at_the_container_before_does_not_speak_for_the_new_one(events: EventQueue) -> None:
    """It hangs while the configuration is reloaded: its answer is not taken, the new one's is."""
    old, new = Container("old"), Container("new")
    recovery = Recovery(lambda: old, events, time.monotonic)
    recovery.look()
    recovery.replace(lambda: new)
    assert not recovery.busy
    recovery.look()
    old.let_go.set()
    late = events.get(timeout=PATIENCE_S)
    assert isinstance(late, Job)
    assert say(late.answer.detail) == "old"
    assert recovery.take(late) is None
    new.let_go.set()
    answer = taken(recovery, events)
    assert isinstance(answer, TargetState)
    assert say(answer.detail) == "new"


def test_a_restart_goes_on_through_a_reload(events: EventQueue) -> None:
    """Its answer still says how it went, and no second one is begun beside it."""
    old, new = Container("old"), Container("new")
    recovery = Recovery(lambda: old, events, time.monotonic)
    recovery.restart(PATIENCE_S, TargetState(Condition.RUNNING))
    recovery.replace(lambda: new)
    recovery.look()
    with pytest.raises(Empty):
        events.get_nowait()
    old.let_go.set()
    assert taken(recovery, events) == RestartEnded()


def test_a_thread_that_has_answered_keeps_no_job_from_beginning() -> None:
    """On a busy machine it may be there long after its answer: neither waited for nor an error."""
    lingering, container = LingeringQueue(), Container("any")
    container.let_go.set()
    recovery = Recovery(lambda: container, lingering, time.monotonic)
    try:
        for _ in range(3):
            recovery.look()
            assert isinstance(taken(recovery, lingering), TargetState)
    finally:
        lingering.let_go.set()


def test_a_host_without_threads_is_an_answer_too(
    events: EventQueue, without_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    """Neither a look nor a restart that cannot begin ends the service: both say what to raise."""
    recovery = Recovery(lambda: Container("any"), events, time.monotonic)
    with without_threads():
        recovery.look()
    looked = taken(recovery, events)
    assert isinstance(looked, TargetState)
    assert looked.condition is Condition.UNREACHABLE
    assert "raise TasksMax" in say(looked.detail)
    with without_threads():
        recovery.restart(PATIENCE_S, TargetState(Condition.RUNNING))
    restarted = taken(recovery, events)
    assert isinstance(restarted, RestartEnded)
    assert "raise TasksMax" in say(restarted.error)
    assert restarted.left == Left(), "it was not begun, so a stop that follows is somebody's"
