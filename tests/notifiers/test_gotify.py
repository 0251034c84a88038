"""Delivery to a real web server on loopback: every answer, every failure, and the token kept."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message
from mailwatch.core.secret import Secret
from mailwatch.notifiers import DeliveryError
from mailwatch.notifiers.gotify import GotifyNotifier, GotifySettings

if TYPE_CHECKING:
    from tests.notifiers.conftest import Inbox, Post

    Within = Callable[[float], Deadline]

TOKEN = "AxTokenThatMustNotShow"
GENEROUS_S = 120
"""Far more than any of these takes, and far less than for ever."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear what other clients read."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


def notifier(url: str, token: str = TOKEN, timeout_s: float = 60) -> GotifyNotifier:
    """Return a notifier for `url`."""
    return GotifyNotifier(GotifySettings(url, Secret(token), timeout_s))


@pytest.fixture
def failing(message: Message, within: Within) -> Callable[..., DeliveryError]:
    """Return what sends, expects a failure, and makes sure that it says nothing of the token."""

    def send(to: GotifyNotifier, seconds: float = 60) -> DeliveryError:
        began = time.monotonic()
        with pytest.raises(DeliveryError) as caught:
            to.send(message, within(seconds))
        assert time.monotonic() - began < GENEROUS_S
        whole = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert TOKEN not in whole
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert str(caught.value).isprintable()
        assert str(caught.value).endswith(".")
        return caught.value

    return send


Failing = Callable[..., DeliveryError]


def test_delivered(inbox: Inbox, message: Message, within: Within) -> None:
    """One POST with the token in its header and not in the URL, and the text as plain text."""
    notifier(inbox.url).send(message, within(60))
    (seen,) = inbox.seen
    assert (seen.method, seen.path) == ("POST", "/message")
    assert seen.headers["X-Gotify-Key"] == TOKEN
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.json == {
        "title": message.title,
        "message": message.body,
        "priority": 5,
        "extras": {"client::display": {"contentType": "text/plain"}},
    }


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/message"),
        ("/", "/message"),
        ("/gotify", "/gotify/message"),
        ("/a/b/", "/a/b/message"),
        ("/gotify?token=old#x", "/gotify/message"),
    ],
)
def test_a_sub_path_is_kept(
    inbox: Inbox, message: Message, within: Within, path: str, asked: str
) -> None:
    """Gotify behind a reverse proxy often lives in a sub-path; a query is not passed on."""
    notifier(inbox.url + path).send(message, within(60))
    assert inbox.seen[0].path == asked


def test_a_long_text_is_cut(inbox: Inbox, message: Message, within: Within) -> None:
    """A text that is too long says so and how much is missing; a short one is left alone."""
    notifier(inbox.url).send(replace(message, body="x" * 4000), within(60))
    notifier(inbox.url).send(replace(message, body="ü" * 5000, title="t" * 999), within(60))
    whole, cut = (seen.json for seen in inbox.seen)
    assert whole["message"] == "x" * 4000
    assert len(cut["message"]) <= 4000
    assert cut["message"].endswith("\n[mailwatch cut 1060 more characters here]")
    assert len(cut["title"]) == 200


def test_an_empty_text(inbox: Inbox, message: Message, within: Within) -> None:
    """Gotify refuses an empty message: the title stands in for it."""
    notifier(inbox.url).send(replace(message, body=""), within(60))
    assert inbox.seen[0].json["message"] == message.title


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_statuses_that_pass(inbox: Inbox, failing: Failing, status: int) -> None:
    """Overload and faults of the server are tried again."""
    inbox.answer = lambda post: post.reply(status, b'{"error": "x", "errorDescription": "full\\n"}')
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert f"({status}: full)" in str(error)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("status", [201, 204, 400, 403, 404, 405, 410, 413])
def test_statuses_that_stay(inbox: Inbox, failing: Failing, status: int, own: bool) -> None:
    """What Gotify refuses is parked; what a proxy says in its place may be over in a moment."""
    said = b'{"error": "no"}' if own else b"<html>no</html>"
    inbox.answer = lambda post: post.reply(status, b"" if status == 204 else said)
    error = failing(notifier(inbox.url))
    assert error.permanent is (own and status != 204)
    assert str(status) in str(error)
    assert own or "token" not in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token(inbox: Inbox, failing: Failing, status: int) -> None:
    """The admin is told which token is needed, and where it is found."""
    inbox.answer = lambda post: post.reply(status, b'{"error": "Unauthorized"}')
    error = failing(notifier(inbox.url))
    assert error.permanent
    assert "Apps page" in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><title>Login</title>", "a web page"),
        (b"", "it answers nothing"),
        (b"ok", "ok"),
        (b"[25]", "[25]"),
        (b'{"id": "25"}', "id"),
        (b'{"id": true}', "id"),
        (b'{"id": null, "error": "nope"}', "nope"),
        (b"[" * 5000, "[["),
        (b"\xff\xfe\x00", "not Gotify"),
        (b'{"id": 1, "x": "' + b"y" * 70_000 + b'"}', "longer than any of Gotify's"),
    ],
)
def test_something_else_answers(inbox: Inbox, failing: Failing, body: bytes, words: str) -> None:
    """A 200 without a message's id is somebody else's 200."""
    inbox.answer = lambda post: post.reply(200, body)
    error = failing(notifier(inbox.url))
    assert error.permanent is (b'"error"' in body)
    assert "is not Gotify" in str(error)
    assert words in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(inbox: Inbox, another: Inbox, failing: Failing, status: int) -> None:
    """It is not followed: the other host gets neither the message nor the token."""
    target = f"{another.url}/message\x1b[2J?{TOKEN}"
    inbox.answer = lambda post: post.reply(status, b"", Location=target)
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert another.url in str(error)
    assert "?***" in str(error)
    assert another.seen == []


def test_the_token_as_an_echo(inbox: Inbox, failing: Failing) -> None:
    """A server that repeats the token in its answer does not bring it into our log."""
    inbox.answer = lambda post: post.reply(500, post.headers["X-Gotify-Key"].encode() * 9)
    assert "***" in str(failing(notifier(inbox.url)))


@pytest.mark.parametrize(
    "answer",
    [
        lambda post: post.hang(),
        lambda post: post.drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
        lambda post: post.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
        lambda post: post.drip(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("kind", ["inbox", "tls_inbox"])
def test_no_answer_in_time(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    failing: Failing,
    answer: Callable[[Post], None],
    kind: str,
) -> None:
    """Silence, and a byte now and then, both end with the deadline or the timeout."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    inbox: Inbox = request.getfixturevalue(kind)
    inbox.answer = answer
    for within_s in (0.3, 3, 30):
        inbox.seen.clear()
        by_deadline = failing(notifier(inbox.url), seconds=within_s)
        by_timeout = failing(notifier(inbox.url, timeout_s=within_s), seconds=60)
        assert not by_deadline.permanent
        if len(inbox.seen) == 2:
            break  # on a busy machine it takes more time to be heard at all
    assert f"did not answer within {within_s:g} s" in str(by_timeout)
    assert len(inbox.seen) == 2


def test_time_is_up_before_it_begins(inbox: Inbox, message: Message) -> None:
    """A deadline that is over sends nothing."""
    with pytest.raises(DeliveryError) as caught:
        notifier(inbox.url).send(message, Deadline(0, lambda: 1))
    assert not caught.value.permanent
    assert inbox.seen == []


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"\x00\x00\x00",),
        (b"220 mail.example.org ESMTP\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{",),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,),
        (b"HTTP/1.1 99999 \r\n\r\n",),
    ],
)
def test_broken_answers(inbox: Inbox, failing: Failing, parts: tuple[bytes, ...]) -> None:
    """Half an answer, or another protocol: it may have arrived, so it is tried again."""
    inbox.answer = lambda post: post.raw(*parts)
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert "broke off its answer, or speaks no HTTP" in str(error)


def test_nothing_listens(closed_port: int, failing: Failing) -> None:
    """A refused connection names the place."""
    error = failing(notifier(f"http://127.0.0.1:{closed_port}"))
    assert not error.permanent
    assert f"Nothing listens at http://127.0.0.1:{closed_port}" in str(error)


def test_nobody_accepts(failing: Failing) -> None:
    """A full queue of connections is a timeout."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        place = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(place)
        error = failing(notifier(f"http://127.0.0.1:{place[1]}"), seconds=0.5)
        for one in waiting:
            one.close()
    assert not error.permanent


def test_the_name_does_not_exist(failing: Failing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved blames DNS or the URL; no name server is asked for it here."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failing(notifier("http://gotify.invalid:8080/x"))
    assert not error.permanent
    assert "could not be resolved" in str(error)
    assert "http://gotify.invalid:8080/x" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gotify.example.org",
        "ftp://127.0.0.1/",
        "http://",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:http/",
        "http://[::1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\u00fc",
    ],
)
def test_a_url_that_is_none(url: str, failing: Failing) -> None:
    """A URL that cannot be one is parked with a sentence on how to write it."""
    error = failing(notifier(url))
    assert error.permanent
    assert "write it like" in str(error)


def test_a_password_in_the_url(closed_port: int, failing: Failing) -> None:
    """What stands before the @ of a URL is not shown."""
    error = failing(notifier(f"http://admin:hunter2@127.0.0.1:{closed_port}/gotify"))
    assert "hunter2" not in str(error)
    assert f"http://127.0.0.1:{closed_port}/gotify" in str(error)


@pytest.mark.parametrize("token", ["", "with\nnewline", "with\r\nX-Evil: 1", "t\u00f6ken", "\x00"])
def test_a_token_that_is_none(inbox: Inbox, failing: Failing, token: str) -> None:
    """A token that no header can carry is refused without being quoted, and nothing is sent."""
    error = failing(notifier(inbox.url, token))
    assert error.permanent
    assert not token or token not in str(error)
    assert inbox.seen == []


def test_tls(
    tls_inbox: Inbox,
    message: Message,
    within: Within,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its CA known to the host, a server with a certificate of its own gets the message."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    notifier(tls_inbox.url).send(message, within(60))
    assert tls_inbox.seen[0].json["title"] == message.title


def test_tls_that_is_not_trusted(tls_inbox: Inbox, failing: Failing) -> None:
    """An unknown CA gets neither message nor token; the cure is named."""
    error = failing(notifier(tls_inbox.url))
    assert not error.permanent
    assert "self-signed certificate" in str(error)
    assert "update-ca-certificates" in str(error)
    assert tls_inbox.seen == []


def test_tls_for_another_name(
    tls_inbox: Inbox, failing: Failing, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate for another name gets neither message nor token."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    error = failing(notifier(f"https://localhost:{tls_inbox.port}"))
    assert "correct [gotify] url" in str(error)
    assert tls_inbox.seen == []


def test_tls_to_a_plain_port(inbox: Inbox, failing: Failing) -> None:
    """https:// to a port that speaks http is said in those words."""
    error = failing(notifier(inbox.url.replace("http:", "https:")))
    assert not error.permanent
    assert "begin [gotify] url with http://" in str(error)


def test_advice_names_the_table_of_a_further_channel(failing: Failing) -> None:
    """Its keys stand in [[notifiers]], not in [gotify]."""
    settings = GotifySettings("http://", Secret(TOKEN), table='[[notifiers]] "phone"')
    error = failing(GotifyNotifier(settings))
    assert str(error).startswith('[[notifiers]] "phone" url is not the address of a web server')


def test_a_tls_handshake_that_hangs(failing: Failing) -> None:
    """A port that accepts and says nothing to a ClientHello ends with the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failing(notifier(f"https://127.0.0.1:{silent.getsockname()[1]}"), seconds=0.5)
    assert "did not answer" in str(error)


def test_proxies_are_not_used(
    inbox: Inbox,
    another: Inbox,
    message: Message,
    within: Within,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy of the environment does not get the token."""
    monkeypatch.setenv("http_proxy", another.url)
    monkeypatch.setenv("ALL_PROXY", another.url)
    notifier(inbox.url).send(message, within(60))
    assert len(inbox.seen) == 1
    assert another.seen == []


def test_the_second_address_of_a_name(
    inbox: Inbox, message: Message, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with an address that refuses and one that answers is delivered to."""
    real = socket.getaddrinfo

    def both(host: str, port: int, **kwargs: int) -> list[object]:
        kind = socket.SOCK_STREAM
        refusing = (socket.AF_INET, kind, 6, "", ("127.0.0.2", port))
        return [refusing, *real("127.0.0.1", port, type=kind)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    notifier(f"http://gotify.example.org:{inbox.port}").send(message, within(60))
    assert inbox.seen[0].headers["Host"] == f"gotify.example.org:{inbox.port}"


def test_an_address_that_swallows_all_leaves_time_for_the_next(
    inbox: Inbox, message: Message, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where IPv6 is routed nowhere: each address has its share of the time."""
    kind = socket.SOCK_STREAM
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as held:
        for _ in range(4):
            one = held.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        places = [(socket.AF_INET, kind, 6, "", full.getsockname())]
        places.append((socket.AF_INET, kind, 6, "", ("127.0.0.1", inbox.port)))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        notifier(f"http://gotify.example.org:{inbox.port}").send(message, within(5))
    assert len(inbox.seen) == 1


def test_nothing_shows_the_token() -> None:
    """Neither settings nor notifier print it."""
    made = notifier("http://127.0.0.1")
    assert TOKEN not in repr(GotifySettings("http://127.0.0.1", Secret(TOKEN)))
    assert TOKEN not in repr(made) + str(vars(made))
