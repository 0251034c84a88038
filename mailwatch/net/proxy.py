"""The header of the PROXY protocol, for a port that only a proxy is meant to reach.

https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt, sections 2.1 and 2.2. We relay
nobody, so we send what HAProxy sends for its own health checks: in version 2 LOCAL, by which the
server goes by the connection's real addresses; in version 1 our own end as the client's, because
some servers, Postfix among them, refuse its UNKNOWN.
"""

from __future__ import annotations

from typing import Literal

from mailwatch.net.endpoint import ProxyHeader

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LOCAL = b"\x20\x00\x00\x00"
"""Version 2 and LOCAL, an unspecified family, no addresses."""

End = tuple[str, int]
"""One end of a connection: its numeric address and its port."""


def header(version: Literal[ProxyHeader.V1, ProxyHeader.V2], own: End, peer: End) -> bytes:
    """Return what is sent before anything else, TLS included, from `own` to `peer`."""
    match version:
        case ProxyHeader.V1:
            family = "TCP6" if ":" in own[0] else "TCP4"
            return f"PROXY {family} {own[0]} {peer[0]} {own[1]} {peer[1]}\r\n".encode()
        case ProxyHeader.V2:
            return _SIGNATURE + _LOCAL
