"""The inbox against the real Gotify notifier, and against what is no message."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.secret import Secret
from mailwatch.demo.inbox import LONGEST_MESSAGE, Arrival, Inbox
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier, GotifySettings

MESSAGE = Message(
    Topic.OPENED, Severity.WARNING, "Mail is down", "Two\nlines", at=0.0, incident="I"
)


@pytest.fixture
def arrived() -> list[Arrival]:
    """What the inbox has taken."""
    return []


@pytest.fixture
def inbox(arrived: list[Arrival]) -> Iterator[Inbox]:
    """An inbox that runs."""
    running = Inbox(arrived.append)
    yield running
    running.close()


def send(inbox: Inbox, token: str) -> None:
    """Send MESSAGE through the real notifier."""
    notifier = GotifyNotifier(GotifySettings(inbox.url, Secret(token)))
    notifier.send(MESSAGE, Deadline.after(120, time.monotonic))


def test_a_message_arrives_as_it_was_sent(inbox: Inbox, arrived: list[Arrival]) -> None:
    """Title, text and priority are those of the message, and its moment is kept."""
    before = time.monotonic()
    send(inbox, inbox.token)
    (one,) = arrived
    assert (one.title, one.body, one.priority) == ("Mail is down", "Two\nlines", 5)
    assert before <= one.at <= time.monotonic()
    assert inbox.last_arrival == one.at


def test_a_wrong_token_is_refused(inbox: Inbox, arrived: list[Arrival]) -> None:
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
        b'{"message": ""}',
        b'{"message": 5}',
        b'{"message": "' + b"x" * LONGEST_MESSAGE + b'"}',
    ],
)
def test_what_is_no_message_is_refused(inbox: Inbox, arrived: list[Arrival], body: bytes) -> None:
    """It is answered 400 in Gotify's form, and nothing arrives."""
    request = urllib.request.Request(
        f"{inbox.url}/message", body, {"X-Gotify-Key": inbox.token}, method="POST"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=120)
    with caught.value as answer:
        assert answer.code == 400
        assert json.load(answer)["errorCode"] == 400
    assert arrived == []


@pytest.mark.parametrize("path", ["/health", "/version"])
def test_health_and_version_need_no_token(inbox: Inbox, path: str) -> None:
    """They are answered as Gotify answers them."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(inbox.url + path, timeout=120) as answer:
        assert answer.status == 200
        assert isinstance(json.load(answer), dict)


def test_there_is_nothing_else_to_read(inbox: Inbox) -> None:
    """Any other path is 404."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{inbox.url}/message", timeout=120)
    with caught.value as answer:
        assert answer.code == 404
