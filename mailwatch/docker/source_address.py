"""As which address a container sees this host, by the address at which it is asked.

Tried with engine 20.10 and Linux, with docker-proxy and without (`userland-proxy`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.core.text import join_words, printable
from mailwatch.docker.network import addresses, gateways, shares_host_network
from mailwatch.docker.record import Record

_LOCALHOST = ("127.0.0.1", "::1")


def seen_as(container: Record, hosts: Iterable[str], introduced: Iterable[str] = ()) -> str:
    """Return the addresses, of which one is that of a connection from here to one of `hosts`.

    To those `introduced` we say ourselves, in a PROXY header of version 1, as whom to take us:
    our own end of the connection (see `probes.proxy`). The addresses are joined by `or`. Empty
    where none is known, as for a name, or in the network of another container.
    """
    seen = [address for host in _numeric(hosts) for address in _seen(container, host)]
    seen += filter(None, map(source_towards, _numeric(introduced)))
    return join_words([printable(one, 64) for one in dict.fromkeys(seen)], "or")


def _numeric(hosts: Iterable[str]) -> list[str]:
    asked = [_LOCALHOST if host == "localhost" else (host,) for host in sorted(hosts)]
    return [host for those in asked for host in those if is_numeric(host)]


def _seen(container: Record, host: str) -> list[str]:
    own = source_towards(host)
    if shares_host_network(container) or _same_in(host, addresses(container)):
        # Nothing translates addresses in between.
        return [own] if own else []
    if not is_loopback(host) and not is_here(host):
        return []  # another host, or a translation that somebody else does
    doors = gateways(container, six=":" in host)
    if is_loopback(host) or not doors or _same_in(host, doors):
        # Passed on by docker-proxy, or masqueraded by the kernel.
        return doors
    if ":" in host and not any(":" in one for one in doors):
        return doors  # docker-proxy alone leads from IPv6 to IPv4
    # The kernel passes it on, and masquerades it where there is no docker-proxy.
    return [own, *doors]


def _same_in(host: str, others: Iterable[str]) -> bool:
    wanted = ip_address(host.partition("%")[0])
    found = (other.partition("%")[0] for other in others)
    return any(ip_address(one) == wanted for one in found if is_numeric(one))


def is_here(host: str) -> bool:
    """Whether the numeric `host` is an address of this host: nobody may bind another's (ip(7))."""
    return bool(_own_end(host, lambda asking, end: asking.bind(end)))


def source_towards(host: str) -> str:
    """Return the address from which the kernel would connect to the numeric `host`, or nothing.

    To connect a socket of UDP sends nothing (udp(7)).
    """
    return _own_end(host, lambda asking, end: asking.connect(end))


def _own_end(host: str, place: Callable[[socket.socket, Any], None]) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
        family, _, _, _, (address, _, *scope) = found[0]
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            place(asking, (address, 0, *scope))
            return str(asking.getsockname()[0])
    except OSError:
        return ""
