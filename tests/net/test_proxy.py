from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Reading, Verdict
from mailwatch.net.endpoint import ProxyHeader
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

Header = Callable[[socket.socket], bytes]


def _version_1(server: socket.socket) -> bytes:
    client, own = server.getpeername(), server.getsockname()
    protocol = "TCP6" if server.family == socket.AF_INET6 else "TCP4"
    return f"PROXY {protocol} {client[0]} {own[0]} {client[1]} {own[1]}\r\n".encode()


def _version_2(_server: socket.socket) -> bytes:
    return bytes.fromhex("0d0a0d0a000d0a515549540a20000000")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize(
    ("version", "header"), [(ProxyHeader.V1, _version_1), (ProxyHeader.V2, _version_2)]
)
def test_the_header_comes_before_everything(
    version: ProxyHeader,
    header: Header,
    family: socket.AddressFamily,
    tls: bool,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
) -> None:
    """Before TLS too: v1 names our own end as the client's, v2 says that nobody is relayed."""
    got: list[bytes] = []
    expected: list[bytes] = []

    def script(link: Link) -> None:
        expected.append(header(link.sock))
        got.append(link.sock.recv(len(expected[0]), socket.MSG_WAITALL))
        if tls:
            link.secure()
        smtp_server(link)

    server = peer(script, family=family)
    reading = ask(service("SMTPS" if tls else "SMTP", server, proxy=version))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert got == expected
    _, goodbye = server.link.heard
    assert goodbye == b"QUIT"
