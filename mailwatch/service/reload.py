"""Reads the configuration anew off the loop's thread: a slow file or disk delays that alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mailwatch.config.model import Config, ConfigError
from mailwatch.core.deadline import Deadline
from mailwatch.core.say import line
from mailwatch.host.job import Job
from mailwatch.service.commands import Reply
from mailwatch.service.queue_events import EventQueue

RELOAD_S = 12.0
"""How long reading the configuration may take: who asks for a reload waits for ANSWER_S."""

Found = Config | Sequence[str]
"""The configuration, or the mistakes that are in it."""


class Reload:
    """At most one reading at a time; its end comes as an event, which is its `job`."""

    def __init__(self, load: Callable[[], Config], events: EventQueue) -> None:
        self._load = load
        self._events = events
        self.job: Job[Found] | None = None
        self._again = False
        self._replies: list[Reply] = []
        """Who waits for the outcome of the reading to come, and of the one under way."""
        self._answering: list[Reply] = []

    def begin(self, reply: Reply | None = None) -> bool:
        """Begin to read, and return whether that is so; `reply` gets the mistakes.

        What is asked for during another reading follows it: the file may have changed since.
        """
        if reply is not None:
            self._replies.append(reply)
        if self.job is not None:
            self._again = True
            return False
        self._answering, self._replies = self._replies, []
        job = self.job = Job("reload", Deadline.after(RELOAD_S, time.monotonic))
        failed = "reload-unread"
        job.start(
            self._read, lambda why: (line(failed, why=why),), lambda _found: self._events.put(job)
        )
        return True

    def _read(self) -> Found:
        try:
            return self._load()
        except ConfigError as error:
            return [str(mistake) for mistake in error.mistakes]

    def end(self) -> Found:
        """Return what has come of the reading that is over, or late; call answer() then."""
        job, self.job = self.job, None
        assert job is not None
        return job.answer if job.is_over else (line("reload-late", limit_s=RELOAD_S),)

    def answer(self, mistakes: Sequence[str]) -> bool:
        """Tell whoever waits, and return whether to begin() once more."""
        for reply in self._answering:
            reply(mistakes)
        self._answering = []
        again, self._again = self._again, False
        return again
