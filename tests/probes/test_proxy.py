from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Reading, Verdict
from mailwatch.probes.settings import ProxyHeader, ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

V1 = b"PROXY UNKNOWN\r\n"
V2 = bytes.fromhex("0d0a0d0a000d0a515549540a20000000")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("version", "header"), [(ProxyHeader.V1, V1), (ProxyHeader.V2, V2)])
def test_the_header_comes_before_everything(
    version: ProxyHeader,
    header: bytes,
    tls: bool,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    smtp_server: Script,
) -> None:
    """The PROXY header is sent first, before TLS, and says that nobody is relayed."""
    got: list[bytes] = []

    def script(link: Link) -> None:
        got.append(link.sock.recv(len(header)))
        if tls:
            link.secure()
        smtp_server(link)

    server = peer(script)
    reading = ask(service("SMTPS" if tls else "SMTP", server, proxy=version))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert got == [header]
    assert server.link.heard == [b"EHLO [127.0.0.1]", b"QUIT"]
