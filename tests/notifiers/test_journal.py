"""Where no Gotify is configured, messages are lines of the journal, of a fitting level."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Topic
from mailwatch.host.journal import Journal, Level
from mailwatch.notifiers.journal import JournalNotifier, Settings


@pytest.mark.parametrize(
    ("topic", "level"),
    [
        (Topic.OPENED, Level.WARNING),
        (Topic.RECOVERED, Level.NOTICE),
        (Topic.ESCALATED, Level.CRITICAL),
        (Topic.REMINDER, Level.WARNING),
        (Topic.HELD, Level.WARNING),
        (Topic.NOTICE, Level.NOTICE),
        (Topic.TEST, Level.NOTICE),
    ],
)
def test_each_topic_has_its_level(message: Message, topic: Topic, level: Level) -> None:
    """`journalctl -p` finds escalations as critical and failures as warnings; all is written."""
    log = io.StringIO()
    JournalNotifier(Settings(), Journal(log, journald=True)).send(
        replace(message, topic=topic), Deadline.after(1, time.monotonic)
    )
    lines = [f"message: {message.title}", *message.body.split("\n")]
    assert log.getvalue().splitlines() == [f"<{level}>{line}" for line in lines]
