"""Carries letters from the outbox to the notifier, in order and never on the loop's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.model import Now
from mailwatch.core.outbox import Letter, after_failure, as_sent, merge, next_letter, retry_now
from mailwatch.core.text import duration
from mailwatch.host import threads
from mailwatch.host.journal import Journal
from mailwatch.notifiers import DeliveryError, Notifier
from mailwatch.service.queue_events import Mailbox, Posted
from mailwatch.store.base import Store

SEND_LIMIT_S = 60.0
"""How long one delivery may take at most, whatever a notifier's own timeout is."""

SLACK_S = 30.0
"""How long past its deadline a delivery may be: the resolver has no timeout of ours."""


class Courier:
    """Works the outbox off, one letter at a time."""

    def __init__(
        self,
        notifier: Notifier,
        store: Store,
        mailbox: Mailbox,
        journal: Journal,
        clock: Clock,
        clock_text: Callable[[float], str],
        jitter: Callable[[], float],
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._mailbox = mailbox
        self._journal = journal
        self._clock = clock
        self._clock_text = clock_text
        self._jitter = jitter
        self._thread: threading.Thread | None = None
        self._job = 0
        self._carried: Letter | None = None
        self._deadline: Deadline | None = None
        self._news = True
        self._wake_at: float | None = None

    def replace(self, notifier: Notifier) -> None:
        """Use another notifier, and try at once what the old one could not deliver."""
        self._notifier = notifier
        self._store.keep_letters(retry_now(self._store.letters()))
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
        """Send what is due, unless a letter is under way."""
        if self._deadline is not None:
            if now.steady < self._deadline.at + SLACK_S or self._carried is None:
                return
            trouble = f"the notifier has not come back for {duration(SEND_LIMIT_S + SLACK_S)}"
            self.posted(Posted(self._job, trouble), now)
        if not self._news and (self._wake_at is None or now.steady < self._wake_at):
            return
        self._news = False
        letters = self._store.letters()
        merged = merge(letters)
        if len(merged) != len(letters):
            self._store.keep_letters(merged)
        letter = next_letter(merged)
        self._wake_at = None if letter is None else letter.not_before
        if letter is not None and letter.not_before <= now.steady:
            self._carry(letter, now)

    def posted(self, report: Posted, now: Now) -> None:
        """Take the outcome of a delivery; one that was given up before is ignored.

        By its job and not by its letter, which another delivery may be carrying by now.
        """
        letter = self._carried
        if letter is None or report.job != self._job:
            return
        self._carried, self._deadline, self._news = None, None, True
        if not report.trouble:
            self._journal.info(f"told: {letter.message.title}")
            self._store.delivered(letter, now)
            return
        failed = after_failure(letter, report.trouble, report.permanent, now, self._jitter())
        again = duration(failed.not_before - now.steady)
        words = f"could not tell '{letter.message.title}': {report.trouble} Next try in {again}."
        self._journal.error(words) if report.permanent else self._journal.warning(words)
        self._store.keep_letters(
            [failed if other.id == letter.id else other for other in self._store.letters()]
        )

    def finish(self, seconds: float) -> None:
        """Give a delivery that is under way at most `seconds` to end."""
        if self._carried is not None and self._thread is not None:
            self._thread.join(seconds)

    def _carry(self, letter: Letter, now: Now) -> None:
        self._job += 1
        self._carried = letter
        deadline = self._deadline = Deadline.after(SEND_LIMIT_S, self._clock)
        notifier, mailbox, job = self._notifier, self._mailbox, self._job
        message = as_sent(letter, now, self._clock_text)

        def send() -> None:
            try:
                notifier.send(message, deadline)
            except DeliveryError as error:
                mailbox.put(Posted(job, str(error), error.permanent))
            except Exception as error:  # noqa: BLE001  # a bug of ours must still be an answer
                trouble = f"A fault of mailwatch itself ({type(error).__name__}), please report it."
                mailbox.put(Posted(job, trouble))
            else:
                mailbox.put(Posted(job))

        # The thread of the letter before may have answered and not be gone yet: nothing waits.
        try:
            self._thread = threads.start(send, "courier")
        except RuntimeError:
            mailbox.put(Posted(job, f"Not sent, for {threads.NO_THREAD}."))
