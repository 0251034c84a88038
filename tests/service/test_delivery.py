"""The delivery's threads: one entry at a time, and none that the next one waits for."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Now
from mailwatch.core.state import State
from mailwatch.host.journal import Journal
from mailwatch.service.delivery import Delivery
from mailwatch.service.queue_events import DeliveryFinished, EventQueue
from mailwatch.store.memory import MemoryStore
from tests.house import PATIENCE_S, LingeringQueue, ScriptedPhone

NOW = Now(5000.0, 1_700_000_000.0)


def _messages(count: int) -> list[Message]:
    return [
        Message(Topic.NOTICE, Severity.INFO, f"message {n}", "", NOW.wall) for n in range(count)
    ]


def test_a_thread_that_has_answered_keeps_no_message_from_leaving() -> None:
    """On a busy machine it may be there long after its answer: neither waited for nor an error."""
    lingering, phone, store = LingeringQueue(), ScriptedPhone(), MemoryStore()
    journal = Journal(io.StringIO(), journald=False)
    delivery = Delivery(
        {"gotify": phone}, store, lingering, journal, time.monotonic, str, lambda: 0.0
    )
    store.commit(State(), _messages(3), NOW)
    try:
        while store.entries():
            delivery.advance(NOW)
            event = lingering.get(timeout=PATIENCE_S)
            assert isinstance(event, DeliveryFinished)
            delivery.finished(event, NOW)
    finally:
        lingering.let_go.set()
    assert [message.title for message in phone.messages] == ["message 0", "message 1", "message 2"]


def test_a_host_without_threads_keeps_the_message(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """It is tried again later like any other, the log says what to raise, and nothing ends."""

    events, phone, store, log = EventQueue(), ScriptedPhone(), MemoryStore(), io.StringIO()
    journal = Journal(log, journald=False)
    delivery = Delivery({"gotify": phone}, store, events, journal, time.monotonic, str, lambda: 0.0)
    store.commit(State(), _messages(1), NOW)
    with without_threads():
        delivery.advance(NOW)
    event = events.get_nowait()
    assert isinstance(event, DeliveryFinished)
    delivery.finished(event, NOW)
    assert [entry.tries for entry in store.entries()] == [1]
    assert "raise TasksMax" in log.getvalue()
    later = Now(NOW.steady + 3600, NOW.wall + 3600)
    delivery.advance(later)
    delivered = events.get(timeout=PATIENCE_S)
    assert isinstance(delivered, DeliveryFinished)
    delivery.finished(delivered, later)
    assert store.entries() == ()
