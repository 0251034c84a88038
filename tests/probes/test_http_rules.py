from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch import __version__
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import CURABLE_BY_DEFAULT
from mailwatch.core.say import say
from mailwatch.probes.http import Settings as HttpRules
from mailwatch.probes.http_response import MAX_BODY
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def _answer(answer: bytes, *, hold: bool = False) -> Script:
    """Return a server that hears one request and sends `answer`; with `hold` it stays open."""

    def script(link: Link) -> None:
        link.hear_request()
        link.send(answer)
        if hold:
            link.hear_end()

    return script


def test_what_is_asked_is_the_admins_choice(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """Method, path, Host and X-Forwarded-For are sent as they were set."""
    rules = HttpRules(
        method="HEAD", path="/live?x=1", host="mail.example.org", forwarded_for="192.0.2.7"
    )
    server = peer(_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
    assert ask(service("HTTP", server, options=rules)).verdict is Verdict.PASS
    assert server.link.heard == [
        b"HEAD /live?x=1 HTTP/1.1",
        b"Host: mail.example.org",
        f"User-Agent: mailwatch/{__version__}".encode(),
        b"Accept: */*",
        b"Connection: close",
        b"X-Forwarded-For: 192.0.2.7",
        b"",
    ]


GZIPPED = gzip.compress(b"mail is well", mtime=0)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (200, None),
        (299, None),
        (300, Fault.RULE),
        (301, Fault.RULE),
        (401, None),
        (403, Fault.REJECTED),
        (404, Fault.RULE),
        (421, Fault.RULE),
        (426, Fault.RULE),
        (429, Fault.REJECTED),
        (500, Fault.STATUS),
        (503, Fault.STATUS),
    ],
)
def test_statuses(
    status: int, fault: Fault | None, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Only the statuses that the admin listed are well, and only from 500 on is a server sick."""
    rules = HttpRules(statuses=((200, 299), (401, 401)))
    server = peer(_answer(b"HTTP/1.1 %d x\r\n\r\n" % status))
    reading = ask(service("HTTP", server, options=rules))
    assert reading.fault is fault
    assert (fault in CURABLE_BY_DEFAULT) == (status >= 500)
    assert fault is None or say(reading.detail) == (
        f"answered 'HTTP/1.1 {status} x', but only 200-299, 401 shows life"
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (("Server", "ngin"), ""),
        (("SERVER", "n*x/1"), ""),
        (("X-Twice", "two"), ""),
        (("X-Long", "folded and long"), ""),
        (("Server", "apache"), "the field Server is 'nginx/1.2', which does not match 'apache'"),
        (("X-None", "x"), "there is no field X-None, which should match 'x'"),
    ],
)
def test_header_patterns(
    rule: tuple[str, str], words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A header rule wants one field of that name with the pattern in its value."""
    server = peer(
        _answer(
            b"HTTP/1.1 200 OK\r\nServer:nginx/1.2 \r\nX-Twice: one\r\nx-twice: two\r\n"
            b"X-Long: folded\r\n\tand long\r\n\r\n"
        )
    )
    reading = ask(service("HTTP", server, options=HttpRules(headers=(rule,))))
    assert reading.fault is (Fault.RULE if words else None)
    assert say(reading.detail) == words


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nmail is well",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nmail is well and more",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\ncontent-length: 12\r\n\r\nmail is well",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"7\r\nmail is\r\n5 ;x=y\r\n well\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
        b"c\r\nmail is well\r\n0\r\n\r\n",
        b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nmail is well",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + GZIPPED,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: X-GZIP\r\n\r\n" + GZIPPED,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"mail is well"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
        + gzip.compress(b"mail is well" + b"\0" * 80_000_000, mtime=0),
    ],
)
def test_a_body_is_searched_however_it_is_framed(
    answer: bytes, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A body pattern is found in a body of any framing that RFC 9112 section 6.3 knows."""
    settings = service("HTTP", peer(_answer(answer)), options=HttpRules(body="mail*well"))
    reading = ask(settings)
    assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize("framing", [b"Content-Length: 4", b"Transfer-Encoding: chunked"])
def test_a_body_whose_end_is_known_is_not_waited_for(
    framing: bytes, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A server that keeps the connection open all the same does not cost the deadline."""
    body = b"well" if framing.startswith(b"C") else b"4\r\nwell\r\n0\r\n\r\n"
    server = peer(_answer(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body, hold=True))
    reading = ask(service("HTTP", server, options=HttpRules(body="well")), within_s=600)
    assert reading.verdict is Verdict.PASS
    assert reading.seconds < 60


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (
            b"\r\nit is ill",
            Fault.RULE,
            "nothing in the body matches 'well'; it begins with 'it is ill'",
        ),
        (b"Content-Length: 9\r\n\r\nwell", Fault.RESET, "in the middle of the body"),
        (b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nwell!", Fault.RULE, "cannot be read"),
        (b"Content-Length: +4\r\n\r\nwell", Fault.RULE, "cannot be read"),
        (b"Content-Length: 4, 4\r\n\r\nwell", Fault.RULE, "cannot be read"),
        (b"Transfer-Encoding: gzip\r\n\r\nwell", Fault.RULE, "cannot be read"),
        (b"Content-Encoding: br\r\n\r\nwell", Fault.RULE, "'Content-Encoding: br', so its page"),
        (b"Content-Encoding: gzip\r\n\r\nwell", Fault.RULE, "cannot be read"),
        (b"Transfer-Encoding: chunked\r\n\r\n-4\r\nwell", Fault.RULE, "size of a chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\n0x4\r\nwell", Fault.RULE, "size of a chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nwell!\r\n", Fault.RULE, "end of a chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", Fault.RULE, "size of a chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\n9\r\nwell", Fault.RESET, "middle of the body"),
    ],
)
def test_a_body_that_shows_no_life(
    answer: bytes, fault: Fault, words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A body without the pattern, or whose shape can be read in two ways, is a fault."""
    server = peer(_answer(b"HTTP/1.1 200 OK\r\n" + answer))
    reading = ask(service("HTTP", server, options=HttpRules(body="well")))
    assert reading.fault is fault
    assert words in say(reading.detail)


def test_only_the_beginning_of_a_body_is_searched(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """What lies beyond 64 KiB is never held in memory."""
    server = peer(_answer(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * MAX_BODY + b"well"))
    reading = ask(service("HTTP", server, options=HttpRules(body="well")))
    assert reading.fault is Fault.RULE
    assert "nothing in the body matches 'well'" in say(reading.detail)
