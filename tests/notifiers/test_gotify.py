"""Delivery to a real web server on loopback: every answer, every failure, and the token kept."""

from __future__ import annotations

import json
import os
import resource
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message
from mailwatch.core.secret import Secret
from mailwatch.net import http_post
from mailwatch.net.resolver import Address, Resolver
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


def gotifys(status: int, why: str = "no") -> bytes:
    """Return the body of a refusal as Gotify words it."""
    return json.dumps({"error": "x", "errorCode": status, "errorDescription": why}).encode()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_statuses_that_pass(inbox: Inbox, failing: Failing, status: int) -> None:
    """Overload and faults of the server are tried again."""
    inbox.answer = lambda post: post.reply(status, gotifys(status, "full\n"))
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert f"({status}: full)" in str(error)


@pytest.mark.parametrize("status", [400, 404, 405, 410, 413])
def test_statuses_that_stay(inbox: Inbox, failing: Failing, status: int) -> None:
    """What Gotify itself would refuse again is parked."""
    inbox.answer = lambda post: post.reply(status, gotifys(status))
    error = failing(notifier(inbox.url))
    assert error.permanent
    assert f"Gotify at {inbox.url} refused the message ({status}: no)" in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token(inbox: Inbox, failing: Failing, status: int) -> None:
    """The admin is told which token is needed, and where it is found."""
    inbox.answer = lambda post: post.reply(status, gotifys(status))
    error = failing(notifier(inbox.url))
    assert error.permanent
    assert "Apps page" in str(error)


def test_a_clients_token(inbox: Inbox, failing: Failing) -> None:
    """A newer Gotify knows it and takes no message with it: the advice is of the token alone."""

    def answer(post: Post) -> None:
        if post.path == "/current/user":
            post.reply(200, b'{"id": 1, "name": "admin", "admin": true}')
        else:
            post.reply(400, gotifys(400, "appid is required"))

    inbox.answer = answer
    error = failing(notifier(inbox.url))
    assert error.permanent
    assert "as a client's, with which nothing can be sent: put the token of an app" in str(error)
    assert [seen.method for seen in inbox.seen] == ["POST", "GET"]


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 405, 413, 502, 503])
@pytest.mark.parametrize(
    "body",
    [b"<html>no</html>", b"404 page not found\n", b'{"error": "no"}', gotifys(418), b"[]", b""],
)
def test_a_proxy_in_gotifys_place(inbox: Inbox, failing: Failing, status: int, body: bytes) -> None:
    """Whatever is not Gotify's own refusal is not final, and blames neither message nor token."""
    inbox.answer = lambda post: post.reply(status, b"" if status == 204 else body)
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert str(error).startswith("Something else than Gotify ")
    assert f"({status}: " in str(error)
    assert "token" not in str(error)
    assert ("a password of its own" in str(error)) == (status in (401, 403))


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
        (b"\xff\xfe\x00", "(200: "),
        (b'{"id": 1, "x": "' + b"y" * 70_000 + b'"}', "longer than any of Gotify's"),
    ],
)
def test_something_else_answers(inbox: Inbox, failing: Failing, body: bytes, words: str) -> None:
    """A 200 without a message's id is somebody else's 200."""
    inbox.answer = lambda post: post.reply(200, body)
    error = failing(notifier(inbox.url))
    assert not error.permanent
    assert str(error).startswith("Something else than Gotify answered")
    assert words in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(inbox: Inbox, another: Inbox, failing: Failing, status: int) -> None:
    """It is not followed: the other host gets neither the message nor the token."""
    target = f"{another.url}/message\x1b[2J?{TOKEN}"
    inbox.answer = lambda post: post.reply(status, b"", Location=target)
    error = failing(notifier(inbox.url))
    assert not error.permanent  # a proxy's, of a login that it asks for while Gotify is away, say
    assert another.url in str(error)
    assert "?***" in str(error)
    assert another.seen == []


def test_the_token_as_an_echo(inbox: Inbox, failing: Failing) -> None:
    """A server that repeats the token in its answer does not bring it into our log."""
    inbox.answer = lambda post: post.reply(500, post.headers["X-Gotify-Key"].encode() * 9)
    assert "***" in str(failing(notifier(inbox.url)))
    inbox.answer = lambda post: post.reply(500, post.headers["X-Gotify-Key"].upper().encode())
    assert "***" in (said := str(failing(notifier(inbox.url))))
    assert TOKEN.upper() not in said


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
    assert "was not resolved (Name or service not known)" in str(error)
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


Addresses = Callable[..., None]


@pytest.fixture
def resolved_to(monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Return what has every name resolve to these addresses, after a while."""

    def resolve(*addresses: str, after: Callable[[], object] = int) -> None:
        def look_up(host: str, port: int, **kwargs: int) -> list[object]:
            after()
            return [
                (AF_INET6 if ":" in one else AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(http_post, "RESOLVER", Resolver())

    return resolve


def test_the_second_address_of_a_name(
    inbox: Inbox, message: Message, within: Within, resolved_to: Addresses
) -> None:
    """A name with an address that refuses and one that answers is delivered to."""
    resolved_to("127.0.0.2", "127.0.0.1")
    notifier(f"http://gotify.example.org:{inbox.port}").send(message, within(60))
    assert inbox.seen[0].headers["Host"] == f"gotify.example.org:{inbox.port}"


def test_addresses_whose_packets_vanish(
    inbox: Inbox, message: Message, within: Within, resolved_to: Addresses
) -> None:
    """Two that nobody answers at leave the third nearly the whole time (RFC 8305)."""
    with socket.create_server(("127.0.0.9", inbox.port), backlog=0) as hole:
        waiting = [socket.socket() for _ in range(4)]  # a full queue drops what comes next
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(hole.getsockname())
        resolved_to("127.0.0.9", "127.0.0.9", "127.0.0.1")
        began = time.monotonic()
        notifier(f"http://gotify.example.org:{inbox.port}").send(message, within(60))
        assert time.monotonic() - began < 20  # a third of the time each would be 40
        for one in waiting:
            one.close()
    assert len(inbox.seen) == 1


def test_no_address_of_a_name_answers(
    closed_port: int, failing: Failing, resolved_to: Addresses
) -> None:
    """The refusal of the last is told, and no descriptor is left behind."""
    resolved_to("127.0.0.1", "127.0.0.2")
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert "Nothing listens" in str(failing(notifier(f"http://gotify.invalid:{closed_port}")))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_a_resolver_slower_than_the_time(
    inbox: Inbox, failing: Failing, message: Message, within: Within, resolved_to: Addresses
) -> None:
    """The first try ends on time; a later one has the answer, though the resolver is as slow."""
    release = threading.Event()
    resolved_to("127.0.0.1", after=release.wait)
    slow = notifier(f"http://gotify.example.org:{inbox.port}")
    assert "was not resolved in time" in str(failing(slow, seconds=0.3))
    release.set()
    slow.send(message, within(60))
    release.clear()
    slow.send(message, within(2))
    release.set()
    assert len(inbox.seen) == 2


def test_the_families_of_a_name_take_turns() -> None:
    """A host with many addresses of a kind that is cut off is soon tried by the other."""
    six = [Address(AF_INET6, (f"2001:db8::{number}", 80, 0, 0)) for number in range(4)]
    four = Address(AF_INET, ("192.0.2.1", 80))
    assert list(http_post._in_turns([*six, four])) == [six[0], four, *six[1:]]


def test_without_a_descriptor(inbox: Inbox, failing: Failing, within: Within) -> None:
    """What this process lacks is named, with what to raise, and is nobody else's fault."""
    failing(notifier("http://127.0.0.1:1"))  # all is imported that it needs
    lowest = os.dup(0)
    os.close(lowest)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        with pytest.raises(DeliveryError) as caught:
            notifier(inbox.url).try_token(within(60))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "could not be asked: no file could be opened: raise LimitNOFILE" in str(caught.value)


def test_nothing_shows_the_token() -> None:
    """Neither settings nor notifier print it."""
    made = notifier("http://127.0.0.1")
    assert TOKEN not in repr(GotifySettings("http://127.0.0.1", Secret(TOKEN)))
    assert TOKEN not in repr(made) + str(vars(made))
