"""The journal as a notifier: where messages go when no other channel is configured."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Topic
from mailwatch.host.journal import Journal, Level

TITLE = "the journal"

_LEVELS = {
    Topic.ESCALATED: Level.CRITICAL,
    Topic.OPENED: Level.WARNING,
    Topic.HELD: Level.WARNING,
    Topic.REMINDER: Level.WARNING,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """There is nothing to say to it."""


def describe(_settings: Settings) -> str:
    """Return where messages go, as the end of `tells ...`."""
    return TITLE


class JournalNotifier:
    """Writes each message to the log, an escalation as critical, a failure as a warning."""

    writes_log = True
    """The message stands in the log, which need not say that it was sent."""

    def __init__(self, _settings: Settings, journal: Journal) -> None:
        self._journal = journal

    def send(self, message: Message, deadline: Deadline) -> None:  # never waits
        """Write `message`; this cannot fail, for a log that fails drops lines by itself."""
        text = f"message: {message.title}\n{message.body}".rstrip("\n")
        self._journal.write(_LEVELS.get(message.topic, Level.NOTICE), text)


NOTIFIER = JournalNotifier
