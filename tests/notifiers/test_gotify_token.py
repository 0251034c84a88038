"""The token is tried without a message, against a server that answers as Gotify does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.secret import Secret
from mailwatch.notifiers import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier, GotifySettings

if TYPE_CHECKING:
    from tests.notifiers.conftest import Inbox, Post

TOKEN = "AxTokenThatMustNotShow"
Within = Callable[[float], Deadline]


CLIENTS = "gtfyc.AClientsTokenThatMustNotShow"


def _gotify(post: Post) -> None:
    """Answer as Gotify of 2026: the token comes first, then the message."""
    token = post.headers["X-Gotify-Key"]
    if token not in (TOKEN, CLIENTS) or (post.path == "/current/user" and token != CLIENTS):
        said = "you need to provide a valid access token or user credentials to access this api"
        error = {"error": "Unauthorized", "errorCode": 401, "errorDescription": said}
    elif post.path == "/current/user":
        post.reply(200, b'{"id": 1, "name": "admin", "admin": true}')
        return
    else:
        said = "Field 'message' is required"
        error = {"error": "Bad Request", "errorCode": 400, "errorDescription": said}
    post.reply(int(str(error["errorCode"])), json.dumps(error).encode())


def _try(url: str, within: Within, token: str = TOKEN) -> None:
    GotifyNotifier(GotifySettings(url, Secret(token), 5)).try_token(within(10))


def test_a_good_token_is_found_good_without_a_message(inbox: Inbox, within: Within) -> None:
    """What Gotify is sent holds no text, so nothing reaches the phone."""
    inbox.answer = _gotify
    _try(inbox.url, within)
    request, whose = inbox.seen
    assert (request.method, request.path) == ("POST", "/message")
    assert request.json == {}
    assert (whose.method, whose.path) == ("GET", "/current/user")


def test_a_clients_token_is_told(inbox: Inbox, within: Within) -> None:
    """Gotify answers an empty message of both kinds alike, and nothing can be sent with it."""
    inbox.answer = _gotify
    with pytest.raises(DeliveryError, match="put the token of an application") as caught:
        _try(inbox.url, within, CLIENTS)
    assert CLIENTS not in str(caught.value)


def test_a_wrong_token_is_told(inbox: Inbox, within: Within) -> None:
    """The sentence says where the right one is, and does not show the wrong one."""
    inbox.answer = _gotify
    with pytest.raises(DeliveryError, match="refused the token") as caught:
        _try(inbox.url, within, "AnotherToken")
    assert "AnotherToken" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b"<html>nginx", "check \\[gotify\\] url"),
        (400, b"{}", "check \\[gotify\\] url"),
        (404, b'{"error": "Not Found", "errorCode": 404, "errorDescription": "x"}', "its path\\."),
        (200, b"hello", "Something else than Gotify answered"),
        (502, b"", "Something else than Gotify answered"),
        (301, b"", "redirects"),
    ],
)
def test_what_is_not_gotify_is_told(
    status: int, body: bytes, words: str, inbox: Inbox, within: Within
) -> None:
    """A 400 of another web server is no proof of a token."""
    inbox.answer = lambda post: post.reply(status, body)
    with pytest.raises(DeliveryError, match=words):
        _try(inbox.url, within)


def test_nobody_there_is_told(closed_port: int, within: Within) -> None:
    """As when a message is sent."""
    with pytest.raises(DeliveryError, match="Nothing listens"):
        _try(f"http://127.0.0.1:{closed_port}", within)
