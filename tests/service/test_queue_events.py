"""The queue that the loop waits at."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty

from mailwatch.service.queue_events import EventQueue, SignalReceived


def test_no_wait_for_an_event_lasts_for_ever() -> None:
    """A moment that has passed before the wait begins, as on a busy host, ends it all the same."""
    events = EventQueue()
    over = threading.Event()

    def wait_often() -> None:
        for _ in range(30_000):
            # An event that was taken leaves the queue as a new one is.
            events.put(SignalReceived(1))
            events.get()
            with suppress(Empty):
                events.get(timeout=1e-9)
        over.set()

    threading.Thread(target=wait_often, daemon=True).start()
    assert over.wait(300)
