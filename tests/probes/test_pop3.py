from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Phase, Reading, Verdict
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

LOGIN = Login("watch", Secret("s3cret word"))
CAPABLE = "+OK list follows\nUSER\nSTLS\n."


@pytest.mark.parametrize("name", ["POP3", "POP3S"])
def test_a_conversation_is_greeting_and_quit(
    name: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """POP3 hears QUIT and an orderly end, and nothing that could count as an error."""
    server = peer(in_turn("+OK ready <1896.697170952@mail>", "+OK bye"), tls=name == "POP3S")
    reading = ask(service(name, server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"QUIT"]
    assert server.link.ended == "in order"
    assert (Phase.TLS in reading.phases) == (name == "POP3S")


def test_stls(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """STLS is said only where CAPA offers it (RFC 2595 section 4), and QUIT inside TLS."""

    def script(link: Link) -> None:
        link.say("+OK hi")
        link.hear()
        link.say(*CAPABLE.split("\n"))
        link.hear()
        link.say("+OK go")
        link.secure()
        link.hear()
        link.say("+OK bye")
        link.hear_end()

    server = peer(script)
    reading = ask(service("POP3", server, tls=TlsMode.STARTTLS))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"CAPA", b"STLS", b"QUIT"]
    assert not server.link.pipelined


@pytest.mark.parametrize(
    ("answers", "heard", "words"),
    [
        (["+OK hi", "+OK\nUSER\n.", "+OK"], [b"CAPA", b"QUIT"], "offers no STLS"),
        (["+OK hi", CAPABLE, "+OK\n+OK"], [b"CAPA", b"STLS"], "after the answer to STLS, without"),
        (["+OK hi", f"{CAPABLE}\n+OK"], [b"CAPA"], "after the answer to CAPA, without"),
        (["+OK hi", "+OK\n" + "X\n" * 150], [b"CAPA"], "has more than 100 lines"),
    ],
)
def test_a_wrong_answer_on_the_way_to_tls(
    answers: list[str],
    heard: list[bytes],
    words: str,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """Every verb's wrong answer is a protocol fault in the peer's words, and QUIT is said."""
    server = peer(in_turn(*answers))
    reading = ask(service("POP3", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert words in say(reading.detail)
    assert server.link.heard == heard


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["?20 hi"], "the greeting was '?20 hi', not +OK"),
        (["+OKAY"], "the greeting was '+OKAY', not +OK"),
        (["+ok"], "the greeting was '+ok', not +OK"),
        (["\x00+OK"], r"the greeting was '\x00+OK', not +OK"),
        (["+OK hi\n+OK bye"], r"sent '+OK bye\r\n' after the greeting, without being asked"),
    ],
)
def test_a_wrong_answer(
    answers: list[str], words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """What is no +OK is no life."""
    reading = ask(service("POP3", peer(in_turn(*answers))))
    assert reading.fault is Fault.PROTOCOL
    assert words in say(reading.detail)


def test_a_login(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """The login is USER and PASS, one at a time, and the session answers a NOOP."""
    server = peer(in_turn("+OK hi", "+OK", "+OK", "+OK", "+OK bye"))
    reading = ask(service("POP3", server, login=LOGIN))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"USER watch", b"PASS s3cret word", b"NOOP", b"QUIT"]
    assert not server.link.pipelined


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("-ERR", None),
        ("-ERR Unknown command.", None),
        ("-ERR not allowed: blocked by policy", None),
        ("-ERR [SYS/TEMP] Internal error occurred. Refer to server log.", Fault.PROTOCOL),
        ("what?", Fault.PROTOCOL),
    ],
)
def test_a_session_that_does_not_take_noop(
    answer: str, fault: Fault | None, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Who says -ERR to a NOOP is there, unless it says that it is sick itself."""
    reading = ask(
        service("POP3", peer(in_turn("+OK hi", "+OK", "+OK", answer, "+OK bye")), login=LOGIN)
    )
    assert reading.fault is fault, reading.detail
    assert reading.verdict is (Verdict.FAIL if fault else Verdict.PASS)


def test_a_session_that_ends_with_the_login(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A server that lets us in and closes, for it cannot open the mailbox, is not well."""

    def script(link: Link) -> None:
        for answer in ("+OK hi", "+OK", "+OK Logged in."):
            link.say(answer)
            link.hear()
        link.close()

    reading = ask(service("POP3", peer(script), login=LOGIN))
    assert reading.verdict is Verdict.FAIL
    assert reading.fault is Fault.RESET
    assert "NOOP" in say(reading.detail)


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (["+OK", "-ERR [AUTH] no", "+OK"], Fault.AUTHENTICATION),
        (["-ERR no such user", "+OK"], Fault.AUTHENTICATION),
        (["+OK", "-ERR [SYS/TEMP] later", "+OK"], Fault.PROTOCOL),
        (["+OK", "-ERR [SYS/TEMP] Maximum number of connections from user+IP", "+OK"], None),
        (["+OK", "-ERR [IN-USE] locked", "+OK"], None),
        (["+OK", "-ERR [LOGIN-DELAY] wait", "+OK"], None),
        (["+OK", "what?"], Fault.PROTOCOL),
    ],
)
def test_a_login_that_is_refused(
    answers: list[str], fault: Fault | None, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Refused credentials are told apart from trouble and from an account in use; never shown."""
    server = peer(in_turn("+OK hi", *answers))
    reading = ask(service("POP3", server, login=LOGIN))
    assert reading.fault is fault
    assert reading.verdict is (Verdict.FAIL if fault else Verdict.UNMEASURED)
    assert "s3cret" not in say(reading.detail)
