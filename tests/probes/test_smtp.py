from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.smtp import address_literal
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]
AskBriefly = Callable[..., Reading]

HELLO = b"EHLO [127.0.0.1]"


@pytest.mark.parametrize("name", ["SMTP", "SUBMISSION"])
def test_a_plain_conversation_is_greeting_ehlo_quit(
    name: str, peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """SMTP and submission hear an EHLO with our address literal and a QUIT, one at a time."""
    server = peer(smtp_server)
    reading = ask(service(name, server))
    assert reading.verdict is Verdict.PASS
    assert say(reading.detail) == ""
    link = server.link
    assert link.heard == [HELLO, b"QUIT"]
    assert not link.pipelined
    assert link.ended == "in order"
    assert list(reading.phases) == [Phase.RESOLVE, Phase.CONNECT, Phase.GREETING, Phase.DIALOGUE]


def test_over_ipv6_the_literal_says_so(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """Over IPv6 the EHLO carries `[IPv6:...]`, as RFC 5321 section 4.1.3 wants it."""
    server = peer(smtp_server, family=socket.AF_INET6)
    assert ask(service("SMTP", server)).verdict is Verdict.PASS
    assert server.link.heard == [b"EHLO [IPv6:::1]", b"QUIT"]


def test_literals() -> None:
    """An address literal is in brackets, and names IPv6."""
    assert address_literal("192.0.2.1") == "[192.0.2.1]"
    assert address_literal("2001:db8::1") == "[IPv6:2001:db8::1]"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_smtps_is_the_same_conversation_inside_tls(
    family: socket.AddressFamily, peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """SMTPS speaks TLS from the first byte, and takes leave with a close_notify."""
    server = peer(smtp_server, tls=True, family=family)
    reading = ask(service("SMTPS", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    link = server.link
    assert link.heard[1:] == [b"QUIT"]
    assert link.ended == "in order"
    assert list(reading.phases) == list(Phase)[:5]  # what follows is a canary's


def test_starttls_says_ehlo_again(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """With tls = "starttls" the EHLO is repeated inside TLS (RFC 3207 section 4.2)."""
    server = peer(smtp_server)
    reading = ask(service("SUBMISSION", server, tls=TlsMode.STARTTLS))
    assert reading.verdict is Verdict.PASS, reading.detail
    link = server.link
    assert link.heard == [HELLO, b"STARTTLS", HELLO, b"QUIT"]
    assert not link.pipelined
    assert link.ended == "in order"
    assert reading.phases[Phase.TLS] > 0


def test_no_starttls_on_offer_is_a_fault_and_a_polite_leave(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A server that does not offer STARTTLS is never asked for it, and hears QUIT."""
    server = peer(in_turn("220 hi", "250 hello", "221 bye"))
    reading = ask(service("SMTP", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert "offers no STARTTLS" in say(reading.detail)
    assert server.link.heard == [HELLO, b"QUIT"]


def test_a_peer_that_says_no_and_hangs_costs_a_second(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """The leave after a no is short, however much time the check has left."""
    server = peer(in_turn("554 no"))
    reading = ask(service("SMTP", server), within_s=600)
    assert "554 no" in say(reading.detail)
    assert reading.seconds < 60


def test_text_injected_before_tls_is_refused(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """Answers that arrive together with the go-ahead for TLS are never taken for later ones."""
    server = peer(in_turn("220 hi", "250-a\n250 STARTTLS", "220 go\n250 hi\n221 bye"))
    reading = ask(service("SMTP", server, tls=TlsMode.STARTTLS))
    assert reading.fault is Fault.PROTOCOL
    assert "without being asked" in say(reading.detail)


def test_answers_sent_ahead_are_not_life(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A server that recites all its answers at once and then hangs does not pass."""
    server = peer(in_turn("220 hi\n250 hi\n221 bye"))
    reading = ask(service("SMTP", server))
    assert reading.fault is Fault.PROTOCOL
    assert say(reading.detail).startswith(r"sent '250 hi\r\n221 bye\r\n' after the greeting")


@pytest.mark.parametrize(
    "greeting",
    ["220-mail.example.org\n220-at your service\n220 ready", "220", "220 ", "220 caf\xe9 \x07"],
)
def test_greetings_that_are_in_order(
    greeting: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Greetings of several lines, without text or with odd text are greetings all the same."""
    server = peer(in_turn(greeting, "250 hi", "221 bye"))
    assert ask(service("SMTP", server)).verdict is Verdict.PASS
    server.join()


def test_half_a_greeting_is_postscreen_at_work(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """It sends a stranger the first line, and the rest six seconds later: we have not looked."""
    reading = ask(service("SMTP", peer(in_turn("220-mail.example.org"))), within_s=1)
    assert (reading.verdict, reading.fault) == (Verdict.UNMEASURED, None)
    assert "raise attempt_timeout_s above its postscreen_greet_wait (6 s), or" in say(
        reading.detail
    )
    assert say(reading.detail).endswith("on its postscreen_access_list")


def test_half_a_greeting_is_not_waited_for_for_ever(
    peer: MakePeer, service: Settings, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has waited far longer than postscreen takes has met a server that hangs behind it."""
    monkeypatch.setattr("mailwatch.net.smtp._LONGEST_GREET_WAIT_S", 0.1)
    reading = ask(service("SMTP", peer(in_turn("220-mail.example.org"))), within_s=1)
    assert reading.fault is Fault.TIMEOUT


@pytest.mark.parametrize(
    ("greeting", "fault"),
    [
        (b"", Fault.SILENT),
        (b"220", Fault.TIMEOUT),
        (b"220-mail.example.org", Fault.TIMEOUT),
        (b"220-one\r\n220-two\r\n", Fault.TIMEOUT),
        (b"220-one\r\n2", Fault.TIMEOUT),
        (b"554-no\r\n", Fault.TIMEOUT),
        (b"250-well\r\n", Fault.TIMEOUT),
        (b"220-one\r\n554-no\r\n", Fault.PROTOCOL),
        (b"220-one\r\n500 no\r\n", Fault.PROTOCOL),
        (b"220-one\r\n421 4.3.0 no\r\n", Fault.PROTOCOL),
        (b"220-one\r\n220:two\r\n", Fault.PROTOCOL),
        (b"+220-one\r\n", Fault.PROTOCOL),
    ],
)
def test_other_pieces_of_a_greeting_are_the_servers_fault(
    greeting: bytes, fault: Fault, peer: MakePeer, service: Settings, ask_briefly: AskBriefly
) -> None:
    """One that hangs, drips or talks nonsense is not excused by postscreen's manners."""

    def script(link: Link) -> None:
        link.send(greeting)
        link.hear_end()

    assert ask_briefly(service("SMTP", peer(script)), fault).fault is fault


@pytest.mark.parametrize(
    "words",
    [
        "554 5.7.1 <unknown[172.17.0.1]>: Client host rejected: Access denied",
        "554-mail.example.org\n554 You are not welcome",
        "421 4.7.0 mail.example.org Error: too many connections from 172.17.0.1",
        "421 mail.example.org: Too many concurrent SMTP connections; please try again later.",
        "521 5.3.2 Service currently unavailable",
        "450 4.7.1 Client host rejected: cannot find your hostname",
        "421 4.3.2 Connection rate limit exceeded.",
        "421 4.3.2 Too many open connections.",
        "554 5.7.1 \x1b[2Jno",
        "220-mail.example.org\n521 5.7.1 Service unavailable; client [192.0.2.7] blocked using x",
        "220-mail.example.org\n220-wait\n550 5.7.1 Service unavailable",
    ],
)
def test_a_server_that_turns_us_away_is_well(
    words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Postfix, Exim and Sendmail say so in the greeting; their words are told, made harmless.

    Postfix's postscreen does so after a first line that was none of this.
    """
    reading = ask(service("SMTP", peer(in_turn(words))))
    assert reading.fault is Fault.REJECTED
    first, *others = [line for line in words.split("\n") if not line.startswith("220")]
    told = " ".join([first[:3], first[4:], *(line[4:] for line in others)]).replace("\x1b", r"\x1b")
    assert say(reading.detail) == f"the greeting was '{told}', not 220"


@pytest.mark.parametrize(
    "words",
    [
        "421 4.3.2 All server ports are busy",
        "421 mail.example.org Service not available, closing transmission channel",
        "450 try later",
        "421-4.3.0 mail.example.org\n421 4.3.0 Queue file write error",
        "451 4.3.0 Temporary lookup failure",
        "452 4.3.1 Insufficient system storage",
        "500 5.5.1 what?",
    ],
)
def test_a_server_that_is_in_trouble_says_so_of_itself(
    words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """That is no rejection: a restart may cure it."""
    assert ask(service("SMTP", peer(in_turn(words)))).fault is Fault.PROTOCOL


def test_half_an_answer_to_ehlo_is_no_postscreen(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Only a greeting is held back; whoever has greeted owes the rest."""
    reading = ask(service("SMTP", peer(in_turn("220 hi", "250-mail.example.org"))), within_s=1)
    assert reading.fault is Fault.TIMEOUT
    assert say(reading.detail) == "the rest of the answer to EHLO did not come in time"


@pytest.mark.parametrize(
    ("greeting", "shown"),
    [
        ("SSH-2.0-OpenSSH_9.2", "'SSH-2.0-OpenSSH_9.2'"),
        ("2200 hi", "'2200 hi'"),
        ("22 hi", "'22 hi'"),
        ("220:hi", "'220:hi'"),
        ("", "''"),
        ("120 wait", "'120 wait'"),
        ("220-one\n250 two", "'250 two'"),
        ("220-one\nand more", "'and more'"),
        ("\x00\x00220 hi", r"'\x00\x00220 hi'"),
        ("\x1b[2J\x9b", r"'\x1b[2J\x9b'"),
    ],
)
def test_greetings_that_are_none(
    greeting: str, shown: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """What is no SMTP reply is a protocol fault, shown with its control characters escaped."""
    server = peer(in_turn(greeting))
    reading = ask(service("SMTP", server))
    assert reading.fault is Fault.PROTOCOL
    assert say(reading.detail) == f"the greeting should be 220, but was {shown}"
    assert server.link.heard == []
