from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net import conversation
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
def test_to_a_service_of_unknown_kind_not_a_word_is_said(
    family: socket.AddressFamily,
    tls: TlsMode,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unknown service sees a connection, a TLS handshake where wanted, and an orderly end."""
    # Whoever speaks only once we have stopped listening gets a reset.
    monkeypatch.setattr(conversation, "_PARTING_S", 60)

    def script(link: Link) -> None:
        link.say("whatever it may say first, unread")
        link.hear_end()

    server = peer(script, tls=tls is TlsMode.IMPLICIT, family=family)
    reading = ask(service("MILTER", server, tls=tls))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == []
    assert server.link.ended == "in order"
    assert (Phase.TLS in reading.phases) == (tls is TlsMode.IMPLICIT)


def test_a_service_that_hangs_passes_a_mere_connect(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A TCP connect proves a listener and no more, which is why other probes exist."""
    server = peer(lambda link: link.hear_end())
    reading = ask(service("MILTER", server), within_s=600)
    assert reading.verdict is Verdict.PASS
    assert reading.seconds < 60


def test_a_closed_port_is_refused(closed_port: int, ask: Ask) -> None:
    """A port that nothing listens on is told apart from every other fault."""
    reading = ask(ServiceSettings("MILTER", "127.0.0.1", closed_port))
    assert reading.fault is Fault.REFUSED
    assert say(reading.detail) == f"nothing listens on 127.0.0.1 port {closed_port}"
