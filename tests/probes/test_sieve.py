from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

LOGIN = Login("watch", Secret("s3cret"))
GREETING = '"IMPLEMENTATION" "Sieve 1"\n"SASL" "LOGIN PLAIN"\n"STARTTLS"\nOK "ready"'
PLAIN = b64encode(b"\0watch\0s3cret")


@pytest.mark.parametrize("greeting", [GREETING, '"implementation" "x"\nok', '"IMPLEMENTATION"\nOK'])
def test_a_conversation_is_capabilities_and_logout(
    greeting: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """ManageSieve hears LOGOUT after its capabilities, and an orderly end."""
    server = peer(in_turn(greeting, 'OK "bye"'))
    reading = ask(service("SIEVE", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"LOGOUT"]
    assert server.link.ended == "in order"


@pytest.mark.parametrize(
    "greeting",
    [
        '"IMPLEMENTATION" {11}\nit "is" {5}\n"SASL" {11}\nLOGIN PLAIN\nOK {5}\nready',
        '{14}\nIMPLEMENTATION {1+}\nx\n{4+}\nSASL "PLAIN"\nOK',
        '"IMPLEMENTATION" {0}\n\n"SASL" {12}\nLOGIN\nPLAIN\nOK (WARNINGS) {4}\na\nb',
    ],
)
def test_a_string_may_be_a_literal(
    greeting: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """As RFC 5804 section 4 has it for every string: what is in it is no line of its own."""
    server = peer(in_turn(greeting, "OK {2}\nin", 'OK "bye"'))
    reading = ask(service("SIEVE", server, login=LOGIN))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b'AUTHENTICATE "PLAIN" "' + PLAIN + b'"', b"LOGOUT"]


@pytest.mark.parametrize(
    ("greeting", "fault", "words"),
    [
        ("BYE {6}\nbanned", Fault.REJECTED, "the greeting was 'BYE \"banned\"', not OK"),
        ("NO (TRYLATER) {9}\nbusy\nnow", Fault.PROTOCOL, r"busy\r\nnow"),
        ('"X" {8200}\n', Fault.PROTOCOL, "the greeting is longer than it may be"),
        ("{0}\n" * 9, Fault.PROTOCOL, "the greeting is longer than it may be"),
        ('"X" ' + "{5000}\n" + "x" * 5000 + " {5000}", Fault.PROTOCOL, "longer"),
        ('"X" {9}\nhalf', Fault.TIMEOUT, "the greeting did not come in time"),
    ],
)
def test_the_words_of_a_no_may_be_a_literal(
    greeting: str, fault: Fault, words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """They are told like any others, and are bounded like a line."""
    reading = ask(service("SIEVE", peer(in_turn(greeting))), within_s=1)
    assert reading.fault is fault
    assert words in say(reading.detail)


def test_starttls_hears_the_capabilities_again(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """Inside TLS the server lists its capabilities unasked (RFC 5804 section 2.2)."""

    def script(link: Link) -> None:
        link.say(*GREETING.split("\n"))
        link.hear()
        link.say('OK "go"')
        link.secure()
        link.say(*GREETING.split("\n"))
        link.hear()
        link.say("OK")
        link.hear_end()

    server = peer(script)
    reading = ask(service("SIEVE", server, tls=TlsMode.STARTTLS))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"STARTTLS", b"LOGOUT"]
    assert not server.link.pipelined


@pytest.mark.parametrize(
    ("answers", "heard", "words"),
    [
        (["OK", "OK"], [b"LOGOUT"], "the greeting names no IMPLEMENTATION"),
        (["* AY hi"], [], "the greeting was '* AY hi', not OK"),
        (['"X"\n' * 150], [], "the greeting has more than 100 lines"),
        ([f"{GREETING}\nOK"], [], r"sent 'OK\r\n' after the greeting, without being asked"),
        (['"IMPLEMENTATION"\nOK', "OK"], [b"LOGOUT"], "the greeting offers no STARTTLS"),
        ([GREETING, f"OK\n{GREETING}"], [b"STARTTLS"], "after the answer to STARTTLS, without"),
    ],
)
def test_a_wrong_answer(
    answers: list[str],
    heard: list[bytes],
    words: str,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """A wrong answer is a protocol fault in the peer's words; after a NO, LOGOUT is said."""
    server = peer(in_turn(*answers))
    reading = ask(service("SIEVE", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert words in say(reading.detail)
    assert server.link.heard == heard


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("OK", None),
        ('NO "wrong"', Fault.AUTHENTICATION),
        ('NO (TRYLATER) "busy"', Fault.PROTOCOL),
        ('NO (TRYLATER) "Maximum number of connections from user+IP exceeded"', None),
        ('NO (ENCRYPT-NEEDED) "tls"', Fault.AUTHENTICATION),
        ("what", Fault.PROTOCOL),
    ],
)
def test_a_login(
    answer: str, fault: Fault | None, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """The login is SASL PLAIN, and its refusal tells credentials from trouble."""
    server = peer(in_turn(GREETING, answer, "OK"))
    reading = ask(service("SIEVE", server, login=LOGIN))
    assert reading.fault is fault
    assert server.link.heard[0] == b'AUTHENTICATE "PLAIN" "' + PLAIN + b'"'


def test_no_plain_no_login(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A server that does not offer PLAIN is not sent a password."""
    server = peer(in_turn('"IMPLEMENTATION"\n"SASL" "SCRAM-SHA-1"\nOK', "OK"))
    reading = ask(service("SIEVE", server, login=LOGIN))
    assert reading.fault is Fault.AUTHENTICATION
    assert server.link.heard == [b"LOGOUT"]
