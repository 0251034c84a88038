"""Messages of every topic, as a phone shows them: each is kept as a file in tests/core/golden."""

from __future__ import annotations

import re

import pytest

from mailwatch.core.fit import LONGEST_TITLE
from mailwatch.core.message import Topic
from tests.core.messages import GOLDEN, messages, shown

MESSAGES = messages()
LONGEST = {
    Topic.OPENED: 350,
    Topic.HELD: 350,
    Topic.RECOVERED: 350,
    Topic.ESCALATED: 700,
    Topic.REMINDER: 700,
    Topic.NOTICE: 700,
}
"""Characters of a body; a late one says so besides, and a merged story has room for several."""


def test_every_message_has_its_file_and_no_file_is_left_over() -> None:
    """A file is a message of today."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(MESSAGES)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_message_is_what_its_file_shows(name: str) -> None:
    """Word for word; `python -m tests.core.messages` writes the files anew."""
    assert shown(MESSAGES[name]) == (GOLDEN / f"{name}.txt").read_text("ascii")


@pytest.mark.parametrize("name", sorted(set(MESSAGES) - {"late", "merged-story", "summary"}))
def test_a_message_fits_a_phone(name: str) -> None:
    """A title of 50 characters, a short body, the incident last, and no id of 64 digits."""
    message = MESSAGES[name]
    assert len(message.title) <= LONGEST_TITLE
    assert len(message.body) <= LONGEST[message.topic]
    assert not re.search("[0-9a-f]{32}", message.title + message.body)
    assert "UTC" not in message.body
    if message.incident:
        assert message.body.endswith(f"\nIncident {message.incident}")
