from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

ASK, LEAVE = b"a1 CAPABILITY", b"a9 LOGOUT"


@pytest.mark.parametrize("name", ["IMAP", "IMAPS"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_conversation_is_greeting_capability_logout(
    name: str,
    family: socket.AddressFamily,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    imap_server: Script,
) -> None:
    """IMAP hears CAPABILITY and LOGOUT, one at a time, and an orderly end."""
    server = peer(imap_server, tls=name == "IMAPS", family=family)
    reading = ask(service(name, server))
    assert reading.verdict is Verdict.PASS, reading.detail
    link = server.link
    assert link.heard == [ASK, LEAVE]
    assert not link.pipelined
    assert link.ended == "in order"
    assert (Phase.TLS in reading.phases) == (name == "IMAPS")


def test_starttls_asks_for_the_capabilities_again(
    peer: MakePeer, service: Settings, ask: Ask, imap_server: Script
) -> None:
    """What was said before TLS counts for nothing inside it (RFC 9051 section 6.2.1)."""
    server = peer(imap_server)
    reading = ask(service("IMAP", server, tls=TlsMode.STARTTLS))
    assert reading.verdict is Verdict.PASS, reading.detail
    link = server.link
    assert link.heard == [ASK, b"a2 STARTTLS", b"a3 CAPABILITY", LEAVE]
    assert not link.pipelined


GREETING = "* OK hi"
CAPABLE = "* CAPABILITY IMAP4rev1\na1 OK done"
BYE = "* BYE bye\na9 OK done"


@pytest.mark.parametrize(
    "answers",
    [
        ["* PREAUTH hi", CAPABLE, BYE],
        ["* ok hi", "* capability imap4REV2\nA1 ok", BYE],
        ["* OK hi", "* OK still here\n* CAPABILITY IMAP4rev1\na1 OK done", BYE],
        ["* OK hi\n* CAPABILITY IMAP4rev1", "a1 OK done", BYE],
        ["* OK hi {9}", "* X {7}\na1 BAD\r \n* CAPABILITY IMAP4rev1\na1 OK {7}", BYE],
        [GREETING, CAPABLE, "* 3 EXISTS\n* BYE bye\na9 OK done"],
    ],
)
def test_answers_that_are_in_order(
    answers: list[str], peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Case does not matter, and untagged lines may come at any time."""
    server = peer(in_turn(*answers))
    reading = ask(service("IMAP", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [ASK, LEAVE]


@pytest.mark.parametrize(
    ("answers", "heard", "words"),
    [
        (["?20 hi"], [], "should be '* OK' or '* PREAUTH', but was '?20 hi'"),
        (["*"], [], "but was '*'"),
        (["* OK\x00"], [], r"but was '* OK\x00'"),
        ([GREETING, "a2 OK done"], [ASK], "was 'a2 OK done', not 'a1 OK'"),
        ([GREETING, "a1 FINE"], [ASK], "was 'a1 FINE', not 'a1 OK'"),
        ([GREETING, "a1 OK done", BYE], [ASK, LEAVE], "names neither IMAP4rev1 nor"),
        ([GREETING, "* CAPABILITY ACL\na1 OK", BYE], [ASK, LEAVE], "names neither"),
        (
            [GREETING, "* BYE [UNAVAILABLE] oops"],
            [ASK],
            "CAPABILITY was '* BYE [UNAVAILABLE] oops'",
        ),
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
    """A wrong answer to any verb is a protocol fault in the peer's words.

    LOGOUT is still said where the peer refused by the rules.
    """
    server = peer(in_turn(*answers))
    reading = ask(service("IMAP", server))
    assert reading.fault is Fault.PROTOCOL
    assert words in say(reading.detail)
    assert server.link.heard == heard


def test_no_starttls_on_offer_is_a_fault_and_a_polite_leave(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A server that does not offer STARTTLS is never asked for it."""
    server = peer(in_turn(GREETING, CAPABLE, BYE))
    reading = ask(service("IMAP", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert "offers no STARTTLS" in say(reading.detail)
    assert server.link.heard == [ASK, LEAVE]


def test_text_injected_before_tls_is_refused(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """Lines that arrive together with the go-ahead for TLS are never taken for later ones."""
    server = peer(
        in_turn(
            GREETING,
            "* CAPABILITY IMAP4rev1 STARTTLS\na1 OK",
            "a2 OK go\n* CAPABILITY IMAP4rev1\na3 OK done",
        )
    )
    reading = ask(service("IMAP", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert "after it agreed to TLS" in say(reading.detail)


def test_untagged_lines_without_end(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A server that never comes to its tagged line is a protocol fault, well before the end."""
    server = peer(in_turn(GREETING, "\n".join(["* OK wait"] * 200)))
    reading = ask(service("IMAP", server), within_s=600)
    assert reading.fault is Fault.PROTOCOL
    assert say(reading.detail) == "the answer to CAPABILITY has more than 100 lines"
