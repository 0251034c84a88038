"""The journal as a notifier: where messages go when no other channel is configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Topic

_SERIOUS = frozenset({Topic.OPENED, Topic.HELD, Topic.REMINDER})


class Log(Protocol):
    """The part of a journal that messages need; `mailwatch.host.journal.Journal` has it."""

    def notice(self, text: str) -> None:
        """Write `text`, of interest to the admin."""

    def warning(self, text: str) -> None:
        """Write `text`, to which the admin may want to react."""

    def critical(self, text: str) -> None:
        """Write `text`, for which a person is needed now."""


TITLE = "the journal"
KEYS = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """There is nothing to say to it."""


def describe(_settings: Settings) -> str:
    """Return where messages go, as the end of `tells ...`."""
    return TITLE


class JournalNotifier:
    """Writes each message to the log, an escalation as critical, a failure as a warning."""

    def __init__(self, _settings: Settings, log: Log) -> None:
        self._log = log

    def send(self, message: Message, deadline: Deadline) -> None:  # never waits
        """Write `message`; this cannot fail, for a log that fails drops lines by itself."""
        text = f"message: {message.title}\n{message.body}".rstrip("\n")
        if message.topic is Topic.ESCALATED:
            self._log.critical(text)
        elif message.topic in _SERIOUS:
            self._log.warning(text)
        else:
            self._log.notice(text)


NOTIFIER = JournalNotifier
