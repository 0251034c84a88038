from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailwatch.core.model import Reading, Verdict
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def test_a_conversation_is_greeting_lhlo_quit(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """LMTP hears LHLO, never EHLO (RFC 2033 section 4.1)."""
    server = peer(in_turn("220 LMTP ready", "250 hi", "221 bye"))
    reading = ask(service("LMTP", server))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [b"LHLO [127.0.0.1]", b"QUIT"]
    assert server.link.ended == "in order"
