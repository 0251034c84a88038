"""Once life was shown, no farewell is a reason to restart; only silence may be one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]
AskBriefly = Callable[..., Reading]

LIVES = {
    "SMTP": ["220 hi", "250 hi"],
    "LMTP": ["220 hi", "250 hi"],
    "IMAP": ["* OK hi", "* CAPABILITY IMAP4rev1\na1 OK"],
    "POP3": ["+OK hi"],
    "SIEVE": ['"IMPLEMENTATION" "x"\nOK'],
}


def _leaves(name: str, leave: Callable[[Link], None]) -> Script:
    def script(link: Link) -> None:
        for answer in LIVES[name]:
            link.say(*answer.split("\n"))
            link.hear()
        leave(link)

    return script


FAREWELLS = [
    ("SMTP", "250 bye"),
    ("SMTP", "421 4.3.0 closing"),
    ("SMTP", "500 what?"),
    ("LMTP", "250 bye"),
    ("IMAP", "a9 BYE logging out"),
    ("IMAP", "a9 OK bye"),
    ("IMAP", "a9 NO [SERVERBUG] oops"),
    ("IMAP", "* BYE"),
    ("IMAP", "* BYE\r\na1 OK"),
    ("POP3", "-ERR [SYS/TEMP] mailbox not updated"),
    ("POP3", "bye"),
    ("SIEVE", 'BYE "Stalwart ManageSieve bids you farewell."'),
    ("SIEVE", "NO"),
    ("SIEVE", "a1 OK"),
]


@pytest.mark.parametrize(("name", "answer"), FAREWELLS)
def test_any_answer_is_a_farewell(
    name: str, answer: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Who answers the last word at all is there."""
    reading = ask(service(name, peer(_leaves(name, lambda link: link.say(answer)))))
    assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize("name", LIVES)
@pytest.mark.parametrize("tls", [False, True])
def test_any_end_is_a_farewell(
    name: str, tls: bool, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Closed in order, cut off in the middle of a line, or reset: we had nothing left to say."""
    mode = TlsMode.IMPLICIT if tls else TlsMode.NONE
    ends: list[Callable[[Link], None]] = [
        lambda link: link.close(),
        lambda link: link.send(b"2"),
        lambda link: link.reset(),
    ]
    for end in ends:
        reading = ask(service(name, peer(_leaves(name, end), tls=tls), tls=mode))
        assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize("name", LIVES)
def test_silence_is_no_farewell(
    name: str, peer: MakePeer, service: Settings, ask_briefly: AskBriefly
) -> None:
    """Who hangs at the last word may hang altogether."""
    there = peer(_leaves(name, lambda link: link.hear_end()))
    assert ask_briefly(service(name, there), Fault.TIMEOUT).fault is Fault.TIMEOUT
