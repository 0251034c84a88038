"""Where no Gotify is configured, messages are lines of the journal, of a fitting level."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Topic
from mailwatch.notifiers.journal import JournalNotifier, Settings


class Log:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def notice(self, text: str) -> None:
        """Keep a notice."""
        self.kept.append(("notice", text))

    def warning(self, text: str) -> None:
        """Keep a warning."""
        self.kept.append(("warning", text))

    def critical(self, text: str) -> None:
        """Keep what is critical."""
        self.kept.append(("critical", text))


@pytest.mark.parametrize(
    ("topic", "level"),
    [
        (Topic.OPENED, "warning"),
        (Topic.RECOVERED, "notice"),
        (Topic.ESCALATED, "critical"),
        (Topic.REMINDER, "warning"),
        (Topic.HELD, "warning"),
        (Topic.NOTICE, "notice"),
        (Topic.TEST, "notice"),
    ],
)
def test_each_topic_has_its_level(message: Message, topic: Topic, level: str) -> None:
    """`journalctl -p` finds escalations as critical and failures as warnings; all is written."""
    log = Log()
    JournalNotifier(Settings(), log).send(
        replace(message, topic=topic), Deadline.after(1, time.monotonic)
    )
    ((found, text),) = log.kept
    assert found == level
    assert text == f"message: {message.title}\n{message.body}"
