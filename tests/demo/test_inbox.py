"""The inbox against the real Gotify notifier, and against what is no message."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.secret import Secret
from mailwatch.demo.inbox import LONGEST_MESSAGE, Inbox
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier, GotifySettings

Arrived = list[tuple[str, str, int]]

MESSAGE = Message(
    Topic.OPENED, Severity.WARNING, "Mail is down", "Two\nlines", at=0.0, incident="I"
)


@pytest.fixture
def arrived() -> Arrived:
    """What the inbox has taken."""
    return []


@pytest.fixture
def inbox(arrived: Arrived) -> Iterator[Inbox]:
    """An inbox that runs."""
    running = Inbox(lambda *message: arrived.append(message))
    yield running
    running.close()


def send(inbox: Inbox, token: str) -> None:
    """Send MESSAGE through the real notifier."""
    notifier = GotifyNotifier(GotifySettings(inbox.url, Secret(token)))
    notifier.send(MESSAGE, Deadline.after(120, time.monotonic))


def test_a_message_arrives_as_it_was_sent(inbox: Inbox, arrived: Arrived) -> None:
    """Title, text and priority are those of the message."""
    send(inbox, inbox.token)
    assert arrived == [("Mail is down", "Two\nlines", 5)]


def test_a_wrong_token_is_refused(inbox: Inbox, arrived: Arrived) -> None:
    """As Gotify does: 401, which the notifier takes for permanent."""
    with pytest.raises(DeliveryError) as caught:
        send(inbox, "wrong")
    assert caught.value.permanent
    assert arrived == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"title": "no message"}',
        b'{"message": "' + b"x" * LONGEST_MESSAGE + b'"}',
    ],
)
def test_what_is_no_message_is_refused(inbox: Inbox, arrived: Arrived, body: bytes) -> None:
    """It is answered 400, and nothing arrives."""
    request = urllib.request.Request(
        f"{inbox.url}/message", body, {"X-Gotify-Key": inbox.token}, method="POST"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=120)
    with caught.value as answer:
        assert answer.code == 400
    assert arrived == []
