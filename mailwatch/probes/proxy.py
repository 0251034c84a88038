"""The header of the PROXY protocol, for a port that only a proxy is meant to reach.

https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt, sections 2.1 and 2.2. We relay
nobody, so we send what HAProxy sends for its own health checks: UNKNOWN, or LOCAL. The server then
goes by the connection's real addresses.
"""

from __future__ import annotations

from types import MappingProxyType

from mailwatch.probes.settings import ProxyHeader

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_VERSION_2_LOCAL = b"\x20"
_UNSPECIFIED = b"\x00"
_NO_ADDRESSES = b"\x00\x00"

HEADERS = MappingProxyType(
    {
        ProxyHeader.NONE: b"",
        ProxyHeader.V1: b"PROXY UNKNOWN\r\n",
        ProxyHeader.V2: _SIGNATURE + _VERSION_2_LOCAL + _UNSPECIFIED + _NO_ADDRESSES,
    }
)
"""What is sent before anything else, TLS included."""
