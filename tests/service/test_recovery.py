"""The target's one worker: whose answer counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition, TargetState
from mailwatch.service.queue_events import Looked, Mailbox, Restarted
from mailwatch.service.recovery import Target
from tests.house import LingeringMailbox

PATIENCE_S = 120.0


class Container:
    """A restarter that answers when it is let go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.let_go = threading.Event()

    def inspect(self, deadline: Deadline) -> TargetState:
        self.let_go.wait(PATIENCE_S)
        return TargetState(Condition.RUNNING, self.name)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        self.let_go.wait(PATIENCE_S)


@pytest.fixture
def mailbox() -> Mailbox:
    """Return where the answers arrive."""
    return Mailbox()


def test_a_look_at_the_container_before_does_not_speak_for_the_new_one(mailbox: Mailbox) -> None:
    """It hangs while the configuration is reloaded: its answer is not taken, the new one's is."""
    old, new = Container("old"), Container("new")
    target = Target(lambda: old, mailbox, time.monotonic)
    target.look()
    target.replace(lambda: new)
    assert not target.busy
    target.look()
    old.let_go.set()
    late = mailbox.get(timeout=PATIENCE_S)
    assert isinstance(late, Looked)
    assert late.target.detail == "old"
    assert not target.owns(late)
    new.let_go.set()
    report = mailbox.get(timeout=PATIENCE_S)
    assert isinstance(report, Looked)
    assert report.target.detail == "new"
    assert target.owns(report)


def test_a_restart_goes_on_through_a_reload(mailbox: Mailbox) -> None:
    """Its answer still says how it went, and no second one is begun beside it."""
    old, new = Container("old"), Container("new")
    target = Target(lambda: old, mailbox, time.monotonic)
    target.restart(PATIENCE_S, TargetState(Condition.RUNNING))
    target.replace(lambda: new)
    target.look()
    with pytest.raises(Empty):
        mailbox.get_nowait()
    old.let_go.set()
    report = mailbox.get(timeout=PATIENCE_S)
    assert isinstance(report, Restarted)
    assert target.owns(report)


def test_a_thread_that_has_answered_keeps_no_job_from_beginning() -> None:
    """On a busy machine it may be there long after its answer: neither waited for nor an error."""
    lingering, container = LingeringMailbox(), Container("any")
    container.let_go.set()
    target = Target(lambda: container, lingering, time.monotonic)
    try:
        for _ in range(3):
            target.look()
            report = lingering.get(timeout=PATIENCE_S)
            assert isinstance(report, Looked)
            assert target.owns(report)
    finally:
        lingering.let_go.set()


def test_a_host_without_threads_is_an_answer_too(
    mailbox: Mailbox, without_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    """Neither a look nor a restart that cannot begin ends the service: both say what to raise."""
    target = Target(lambda: Container("any"), mailbox, time.monotonic)
    with without_threads():
        target.look()
    looked = mailbox.get_nowait()
    assert isinstance(looked, Looked)
    assert target.owns(looked)
    assert looked.target.condition is Condition.UNREACHABLE
    assert "raise TasksMax" in looked.target.detail
    with without_threads():
        target.restart(PATIENCE_S, TargetState(Condition.RUNNING))
    restarted = mailbox.get_nowait()
    assert isinstance(restarted, Restarted)
    assert target.owns(restarted)
    assert "raise TasksMax" in restarted.error
