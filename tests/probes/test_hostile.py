from __future__ import annotations

import ssl
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import GREETING
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.engine import run
from mailwatch.net.errors import ConversationError
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]
Briefly = Callable[[ServiceSettings, Fault], Reading]

TLS_MODES = [TlsMode.NONE, TlsMode.IMPLICIT]


def _for_ever(data: bytes, every_s: float = 0) -> Script:
    """Return a server that hears nothing and sends `data` again and again."""

    def script(link: Link) -> None:
        pause = threading.Event()
        while True:
            link.send(data)
            pause.wait(every_s)

    return script


@pytest.mark.parametrize("tls", TLS_MODES)
@pytest.mark.parametrize("probe", ["smtp", "imap", "http"])
def test_a_drip_ends_on_time(
    tls: TlsMode, probe: str, peer: MakePeer, service: Settings, ask_briefly: Briefly
) -> None:
    """A peer that sends a byte now and then cannot stretch the deadline."""
    server = peer(_for_ever(b"2", every_s=0.02), tls=tls is TlsMode.IMPLICIT)
    reading = ask_briefly(service("MAIL", server, probe=probe, tls=tls), Fault.TIMEOUT)
    assert reading.fault is Fault.TIMEOUT


@pytest.mark.parametrize("tls", TLS_MODES)
def test_a_drip_of_whole_lines_ends_on_time(
    tls: TlsMode, peer: MakePeer, service: Settings, ask_briefly: Briefly
) -> None:
    """A greeting that goes on and on, line after line, cannot stretch the deadline either."""
    server = peer(_for_ever(b"220-wait\r\n", every_s=0.02), tls=tls is TlsMode.IMPLICIT)
    reading = ask_briefly(service("SMTP", server, tls=tls), Fault.TIMEOUT)
    assert reading.fault is Fault.TIMEOUT


def test_a_dripping_handshake_ends_on_time(
    peer: MakePeer, service: Settings, ask_briefly: Briefly
) -> None:
    """A handshake record that arrives byte by byte cannot stretch the deadline."""

    def script(link: Link) -> None:
        link.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        _for_ever(b"\x03", every_s=0.02)(link)

    reading = ask_briefly(service("SMTPS", peer(script)), Fault.TIMEOUT)
    assert reading.fault is Fault.TIMEOUT


@pytest.mark.parametrize("tls", TLS_MODES)
@pytest.mark.parametrize("probe", ["smtp", "imap", "http"])
@pytest.mark.parametrize(
    "data",
    [b"2" * 4096, b"220-hello\r\n" * 400, b"* OK hello\r\n" * 400, b"\x00" * 4096, b"\r\n" * 2048],
)
def test_a_flood_is_cut_off(
    data: bytes, tls: TlsMode, probe: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Whatever comes without end is at fault within bounded memory, not at the deadline."""
    server = peer(_for_ever(data), tls=tls is TlsMode.IMPLICIT)
    settings = service("MAIL", server, probe=probe, tls=tls)
    ask(settings)  # what is built once is not counted
    tracemalloc.start()
    try:
        reading = ask(settings, within_s=300)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reading.fault in (Fault.PROTOCOL, Fault.RULE)  # by RULE it greets as another protocol
    assert reading.seconds < 200
    assert peak < 2 * 1024 * 1024


def test_a_flood_of_what_is_left_unread_is_cut_off(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A probe that says goodbye to a peer that will not stop talking leaves all the same."""
    reading = ask(service("MILTER", peer(_for_ever(b"x" * 65536))), within_s=600)
    assert reading.verdict is Verdict.PASS


def test_a_flood_of_session_tickets_is_cut_off(
    authority: trustme.CA, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """TLS records that carry no data do not keep the probe inside OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.num_tickets = 5000
    server = peer(lambda link: link.hear_end(), tls=True, context=context)
    reading = ask(service("SMTPS", server), within_s=300)
    assert reading.fault is Fault.PROTOCOL
    assert say(reading.detail) == "sent more than 256 KiB while we waited for the greeting"


def test_a_chain_of_certificates_without_end_is_refused(
    authority: trustme.CA, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A certificate message of megabytes is a TLS fault, and is never held in memory."""
    server = peer(lambda link: link.hear_end(), tls=True, context=_long_chain(authority))
    reading = ask(service("SMTPS", server), within_s=300)
    assert reading.fault is Fault.TLS


def _long_chain(authority: trustme.CA) -> ssl.SSLContext:
    leaf = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as directory:
        chain, key = Path(directory, "chain.pem"), Path(directory, "key.pem")
        leaves = leaf.cert_chain_pems[0].bytes() + authority.cert_pem.bytes() * 1000
        chain.write_bytes(leaves)
        key.write_bytes(leaf.private_key_pem.bytes())
        context.load_cert_chain(chain, key)
    return context


@pytest.mark.parametrize("tls", [False, True])
def test_a_peer_that_never_reads_cannot_block_us(
    tls: bool, peer: MakePeer, service: Settings
) -> None:
    """Words that nobody takes end at the deadline, too."""
    ended = threading.Event()
    server = peer(lambda link: ended.wait(120), tls=tls)
    mode = TlsMode.IMPLICIT if tls else TlsMode.NONE
    settings = service("SMTP", server, tls=mode)
    talk = Conversation(settings, Deadline.after(2, time.monotonic))
    began = time.monotonic()
    try:
        run(talk.open())
        talk.send(b"x" * 50_000_000)
        with pytest.raises(ConversationError) as caught:
            run(talk.line(GREETING))
        assert caught.value.fault is Fault.SILENT
    finally:
        talk.close()
        ended.set()
    assert time.monotonic() - began < 60
