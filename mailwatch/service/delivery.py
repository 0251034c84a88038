"""Carries entries from the outbox to the notifier, in order and never on the loop's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.model import Now
from mailwatch.core.outbox import (
    QueuedMessage,
    after_failure,
    as_sent,
    merge,
    next_entry,
    retry_now,
)
from mailwatch.core.text import duration
from mailwatch.host import threads
from mailwatch.host.journal import Journal
from mailwatch.notifiers import DeliveryError, Notifier
from mailwatch.service.queue_events import DeliveryFinished, EventQueue
from mailwatch.store.base import Store

SEND_LIMIT_S = 60.0
"""How long one delivery may take at most, whatever a notifier's own timeout is."""

SLACK_S = 30.0
"""How long past its deadline a delivery may be: the resolver has no timeout of ours."""


class Delivery:
    """Works the outbox off, one entry at a time."""

    def __init__(
        self,
        notifier: Notifier,
        store: Store,
        events: EventQueue,
        journal: Journal,
        clock: Clock,
        clock_text: Callable[[float], str],
        jitter: Callable[[], float],
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._events = events
        self._journal = journal
        self._clock = clock
        self._clock_text = clock_text
        self._jitter = jitter
        self._thread: threading.Thread | None = None
        self._job = 0
        self._carried: QueuedMessage | None = None
        self._deadline: Deadline | None = None
        self._news = True
        self._wake_at: float | None = None

    def replace(self, notifier: Notifier) -> None:
        """Use another notifier, and try at once what the old one could not deliver."""
        self._notifier = notifier
        self._store.keep_entries(retry_now(self._store.entries()))
        self._news = True

    def wrote(self) -> None:
        """Take note that the outbox has changed."""
        self._news = True

    def wake_at(self) -> float | None:
        """Return when (steady) there is something to do, None as long as nothing new is written."""
        if self._deadline is not None:
            return self._deadline.at + SLACK_S
        return self._wake_at

    def advance(self, now: Now) -> None:
        """Send what is due, unless an entry is under way."""
        if self._deadline is not None:
            if now.steady < self._deadline.at + SLACK_S or self._carried is None:
                return
            trouble = f"the notifier has not come back for {duration(SEND_LIMIT_S + SLACK_S)}"
            self.posted(DeliveryFinished(self._job, trouble), now)
        if not self._news and (self._wake_at is None or now.steady < self._wake_at):
            return
        self._news = False
        entries = self._store.entries()
        merged = merge(entries)
        if len(merged) != len(entries):
            self._store.keep_entries(merged)
        entry = next_entry(merged)
        self._wake_at = None if entry is None else entry.not_before
        if entry is not None and entry.not_before <= now.steady:
            self._carry(entry, now)

    def posted(self, report: DeliveryFinished, now: Now) -> None:
        """Take the outcome of a delivery; one that was given up before is ignored.

        By its job and not by its entry, which another delivery may be carrying by now.
        """
        entry = self._carried
        if entry is None or report.job != self._job:
            return
        self._carried, self._deadline, self._news = None, None, True
        if not report.trouble:
            self._journal.info(f"told: {entry.message.title}")
            self._store.delivered(entry, now)
            return
        failed = after_failure(entry, report.trouble, report.permanent, now, self._jitter())
        again = duration(failed.not_before - now.steady)
        words = f"could not tell '{entry.message.title}': {report.trouble} Next try in {again}."
        self._journal.error(words) if report.permanent else self._journal.warning(words)
        self._store.keep_entries(
            [failed if other.id == entry.id else other for other in self._store.entries()]
        )

    def finish(self, seconds: float) -> None:
        """Give a delivery that is under way at most `seconds` to end."""
        if self._carried is not None and self._thread is not None:
            self._thread.join(seconds)

    def _carry(self, entry: QueuedMessage, now: Now) -> None:
        self._job += 1
        self._carried = entry
        deadline = self._deadline = Deadline.after(SEND_LIMIT_S, self._clock)
        notifier, events, job = self._notifier, self._events, self._job
        message = as_sent(entry, now, self._clock_text)

        def send() -> None:
            try:
                notifier.send(message, deadline)
            except DeliveryError as error:
                events.put(DeliveryFinished(job, str(error), error.permanent))
            except Exception as error:  # noqa: BLE001  # a bug of ours must still be an answer
                trouble = f"A fault of mailwatch itself ({type(error).__name__}), please report it."
                events.put(DeliveryFinished(job, trouble))
            else:
                events.put(DeliveryFinished(job))

        # The thread of the entry before may have answered and not be gone yet: nothing waits.
        try:
            self._thread = threads.start(send, "courier")
        except RuntimeError:
            events.put(DeliveryFinished(job, f"Not sent, for {threads.NO_THREAD}."))
