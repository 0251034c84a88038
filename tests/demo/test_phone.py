"""The demo's phone: what it shows of a message, and what it notes."""

from __future__ import annotations

import io
import time

from mailwatch.core.catalogue import Row
from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.demo import phone
from mailwatch.demo.moments import Moments, Turn
from mailwatch.demo.screen import Screen
from mailwatch.notifiers import catalogue
from mailwatch.notifiers.catalogue import NOTIFIERS, Channel


def test_a_message_is_shown_and_its_turn_noted() -> None:
    """As a plug-in of the catalogue: it rings as loud as the message is, with both texts."""
    moments, shown = Moments(), io.StringIO()
    settings = phone.Settings(Screen(shown, broken=moments.end), moments)
    told = Message(Topic.OPENED, Severity.WARNING, "Mail is down", "Two\nlines", at=0.0)
    with NOTIFIERS.adding(Row("phone", phone.__name__)):
        notifier = catalogue.build(Channel("phone", "phone", settings))
        assert not moments.came(Turn.OPENED)
        notifier.send(told, Deadline.after(120, time.monotonic))
    assert moments.came(Turn.OPENED)
    assert not moments.came(Turn.RECOVERED)
    assert "rings (warning):" in shown.getvalue()
    rows = [line.strip("| ") for line in shown.getvalue().splitlines()]
    assert [row for row in rows if row in ("Mail is down", "Two", "lines")] == rows[2:-1]
