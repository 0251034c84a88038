from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch import __version__
from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.http import host_field
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def _answer(answer: bytes) -> Script:
    """Return a server that hears one request, sends `answer` and closes."""

    def script(link: Link) -> None:
        link.hear_request()
        link.send(answer)

    return script


@pytest.mark.parametrize("name", ["HTTP", "HTTPS"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_one_get_and_no_more(
    name: str, family: socket.AddressFamily, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A web server hears one GET of / that names itself and its wish to close."""

    def script(link: Link) -> None:
        link.hear_request()
        link.say("HTTP/1.1 302 Found", "Location: /login", "Content-Length: 5", "", "gone!")
        link.hear_end()

    server = peer(script, tls=name == "HTTPS", family=family)
    reading = ask(service(name, server))
    assert reading.verdict is Verdict.PASS, reading.detail
    host = "[::1]" if family == socket.AF_INET6 else "127.0.0.1"
    link = server.link
    assert link.heard == [
        b"GET / HTTP/1.1",
        f"Host: {host}:{server.port}".encode(),
        f"User-Agent: mailwatch/{__version__}".encode(),
        b"Accept: */*",
        b"Connection: close",
        b"",
    ]
    assert link.ended == "in order"
    assert list(reading.phases)[-2:] == [Phase.GREETING, Phase.DIALOGUE]


@pytest.mark.parametrize(
    ("name", "port", "tls", "field"),
    [
        ("127.0.0.1", 80, TlsMode.NONE, "127.0.0.1"),
        ("127.0.0.1", 443, TlsMode.NONE, "127.0.0.1:443"),
        ("mail.example.org", 443, TlsMode.IMPLICIT, "mail.example.org"),
        ("mail.example.org", 8443, TlsMode.IMPLICIT, "mail.example.org:8443"),
        ("mail.example.org.", 80, TlsMode.NONE, "mail.example.org"),
        ("::1", 80, TlsMode.NONE, "[::1]"),
        ("fe80::1%eth0", 80, TlsMode.NONE, "[fe80::1]"),
    ],
)
def test_the_host_field(name: str, port: int, tls: TlsMode, field: str) -> None:
    """Host names the port where it is not the scheme's own (RFC 9110 section 7.2)."""
    assert host_field(ServiceSettings("WEB", name, port, probe="http", tls=tls)) == field


def test_the_host_field_is_the_server_name_where_there_is_one() -> None:
    """A server name says which of a web server's sites is meant."""
    settings = ServiceSettings("WEB", "127.0.0.1", 80, probe="http", server_name="mail.example.org")
    assert host_field(settings) == "mail.example.org"


@pytest.mark.parametrize("status", [200, 204, 301, 401, 403, 404, 499])
def test_any_status_below_500_is_life(
    status: int, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Redirects and refusals are answers: somebody is at home."""
    server = peer(_answer(b"HTTP/1.1 %d Whatever\r\n\r\n" % status))
    assert ask(service("HTTP", server)).verdict is Verdict.PASS


@pytest.mark.parametrize("status", [500, 502, 503, 599])
def test_a_status_from_500_is_a_fault(
    status: int, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A server that says it is broken is believed, in its own words."""
    server = peer(_answer(b"HTTP/1.1 %d Out of\x1border\r\n\r\n" % status))
    reading = ask(service("HTTP", server))
    assert reading.fault is Fault.STATUS
    assert say(reading.detail).startswith(rf"answered 'HTTP/1.1 {status} Out of\x1border'")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nbody until the end",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 \r\n\r\n",
        b"HTTP/1.1 200 caf\xc3\xa9 \xff\r\nX: \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\nServer: bare newlines\n\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: long\r\n and folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc and more than it promised",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 7\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\nnonsense",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Security-Policy: " + b"x" * 9000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 100 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nnobody unpacks it",
        b"HTTP/1.1 200 OK\r\nServer: Gr\xfc\xdfe\r\n\r\n<p>Sch\xf6n</p>",
        b"HTTP/1.1 400 Bad Request\r\n\r\n<a href='https://example.org'>Who are you?</a>",
        b"HTTP/1.1 301 Moved\r\nLocation: https://mail.example.org/\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: https://[nonsense:x/\r\nLocation: \xff\r\n\r\n",
    ],
)
def test_answers_that_show_life(answer: bytes, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """After the header nothing can mislead us, as we close: a body of any shape may follow."""
    server = peer(_answer(answer))
    reading = ask(service("HTTP", server))
    assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (b"220 mail ESMTP\r\n", Fault.RULE, 'speaks SMTP without TLS: write probe = "smtp"'),
        (b"HTTP/2 200 OK\r\n\r\n", Fault.PROTOCOL, "'HTTP/2 200 OK' where HTTP"),
        (b"HTTP/1.2 200 OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"HTTP/1.1 099 OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"HTTP/1.1  200 OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"HTTP/1.1 200OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"http/1.1 200 OK\r\n\r\n", Fault.PROTOCOL, "where HTTP was expected"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", Fault.PROTOCOL, "answered ''"),
        (b"<html>\x00\r\n", Fault.PROTOCOL, r"answered '<html>\x00'"),
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", Fault.PROTOCOL, "sent 'no field' where"),
        (b"HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n", Fault.PROTOCOL, "sent 'Space : x' where"),
        (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", Fault.PROTOCOL, "sent ': x' where"),
        (b"HTTP/1.1 200 OK\r\nX\x00: x\r\n\r\n", Fault.PROTOCOL, r"sent 'X\x00: x' where"),
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n", Fault.RESET, "waited for the header"),
        (b"HTTP/1.1 200 OK", Fault.RESET, "in the middle of the status line: 'HTTP/1.1 200 OK'"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000, Fault.PROTOCOL, "more than 1000 header"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99_000, Fault.PROTOCOL, "header of the response is a"),
        (b"HTTP/1.1 100 Go on\r\n\r\n" * 20, Fault.PROTOCOL, "interim responses"),
        (b"HTTP/1.1 200 " + b"x" * 20000, Fault.PROTOCOL, "the status line is a line without end"),
    ],
)
def test_answers_that_are_faults(
    answer: bytes, fault: Fault, words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """What is not HTTP, or ends before its header does, is a fault that shows what came."""
    server = peer(_answer(answer))
    reading = ask(service("HTTP", server))
    assert reading.fault is fault
    assert words in say(reading.detail)


_TO_TLS_PORTS = {
    "nginx": b"<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
    "apache": b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    "go": b"Client sent an HTTP request to an HTTPS server.\n",
    "tomcat": b"Bad Request\r\nThis combination of host and port requires TLS.\r\n",
}


@pytest.mark.parametrize("framing", ["length", "close", "chunks", "gzip"])
@pytest.mark.parametrize("page", _TO_TLS_PORTS.values(), ids=_TO_TLS_PORTS)
def test_plain_http_to_a_tls_port_is_a_mistake_to_tell(
    page: bytes, framing: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A web server that says so answers by itself, whatever has become of what is behind it."""
    fields = b"Content-Length: %d\r\n" % len(page) if framing == "length" else b""
    if framing == "chunks":
        fields, page = (
            b"Transfer-Encoding: chunked\r\n",
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page),
        )
    if framing == "gzip":
        fields, page = b"Content-Encoding: gzip\r\n", gzip.compress(page)
    answer = b"HTTP/1.1 400 Bad Request\r\n" + fields + b"\r\n" + page
    reading = ask(service("HTTP", peer(_answer(answer))))
    assert reading.fault is Fault.RULE
    assert say(reading.detail) == (
        "plain HTTP was sent to a port of HTTPS, and 'HTTP/1.1 400 Bad Request' came back: "
        'set tls = "implicit" for this service'
    )
    # Inside TLS the same words mean something else.
    assert ask(service("HTTPS", peer(_answer(answer), tls=True))).verdict is Verdict.PASS


def test_a_redirect_to_tls_on_the_same_port_is_that_mistake_too(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """So nginx answers plain HTTP where error_page 497 says so."""

    def script(link: Link) -> None:
        link.hear_request()
        link.say("HTTP/1.1 302 Found", f"Location: https://mail:{server.port}/", "", "")

    server = peer(script)
    reading = ask(service("HTTP", server))
    assert reading.fault is Fault.RULE
    assert 'set tls = "implicit"' in say(reading.detail)


@pytest.mark.parametrize(
    "alert", [b"\x15\x03\x01\x00\x02\x02\x46", b"\x15\x03\x03\x00\x02\x02\x0a"]
)
def test_an_alert_in_place_of_http_is_that_mistake_too(
    alert: bytes, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A TLS server that has no words for HTTP answers plain text with an alert."""
    reading = ask(service("HTTP", peer(_answer(alert))))
    assert reading.fault is Fault.RULE
    assert 'set tls = "implicit"' in say(reading.detail)


def test_a_body_without_end_is_left(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A body that never ends, or never comes, costs a moment and changes nothing."""

    def script(link: Link) -> None:
        link.hear_request()
        link.say("HTTP/1.1 200 OK", "")
        while True:
            link.send(b"x" * 10_000)

    server = peer(script)
    reading = ask(service("HTTP", server), within_s=600)
    assert reading.verdict is Verdict.PASS
    assert reading.seconds < 60
