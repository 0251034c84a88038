from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def _answers(*answers: str) -> Script:
    """Return a server that sends its answers in turn, one for the connection and each line."""

    def script(link: Link) -> None:
        for answer in answers:
            link.say(answer)
            if not link.hear():
                return
        link.hear_end()

    return script


def test_a_conversation_is_greeting_lhlo_quit(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """LMTP hears LHLO, never EHLO (RFC 2033 section 4.1)."""
    server = peer(_answers("220 LMTP ready", "250 hi", "221 bye"))
    reading = ask(service("LMTP", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"LHLO [127.0.0.1]", b"QUIT"]
    assert server.link.ended == "in order"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["250 hi", "221 bye"], "the greeting was '250 hi', not 220"),
        (["220 hi", "500 not LMTP", "221 bye"], "LHLO was '500 not LMTP', not 250"),
        (["220 hi", "250 hi", "250 ok"], "QUIT was '250 ok', not 221"),
    ],
)
def test_a_wrong_answer(
    answers: list[str], words: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A wrong code for any verb is a protocol fault."""
    reading = ask(service("LMTP", peer(_answers(*answers))))
    assert reading.fault is Fault.PROTOCOL
    assert words in reading.detail
