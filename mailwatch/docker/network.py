"""What a container's own record says about its network: its addresses, and what it publishes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.docker.record import Record, part, text

_ON_THE_HOST = "host"
_EVERY = ("", "0.0.0.0", "::")  # noqa: S104  compared with, not bound to


@dataclass(frozen=True, slots=True)
class Published:
    """One TCP port of the container that the engine has opened on the host."""

    host_address: str
    host_port: int
    container_port: int

    @property
    def everywhere(self) -> bool:
        """Whether it is open on every address of the host."""
        return self.host_address in _EVERY

    @property
    def on_loopback(self) -> bool:
        """Whether it is open on the host's loopback, alone or among others."""
        return self.everywhere or is_loopback(self.host_address)


def addresses(container: Record) -> tuple[str, ...]:
    """Return the addresses of its own that the running container has in its networks."""
    networks = part(part(container, "NetworkSettings"), "Networks")
    found = [
        text(part(networks, name), key)
        for name in networks
        for key in ("IPAddress", "GlobalIPv6Address")
    ]
    return tuple(filter(is_numeric, found))


def shares_host_network(container: Record) -> bool:
    """Whether the container has no network of its own, and so publishes nothing."""
    return text(part(container, "HostConfig"), "NetworkMode") == _ON_THE_HOST


def published(container: Record) -> tuple[Published, ...]:
    """Return every TCP port that the running container publishes; empty while it is stopped."""
    ports = part(part(container, "NetworkSettings"), "Ports")
    found = []
    for inside, bindings in ports.items():
        number, _, protocol = inside.partition("/")
        inner = _port(number)
        if protocol != "tcp" or not inner or not isinstance(bindings, list):
            continue
        for binding in bindings:
            if isinstance(binding, dict) and (outer := _port(text(binding, "HostPort"))):
                found.append(Published(text(binding, "HostIp"), outer, inner))
    return tuple(found)


def elsewhere(container: Record, asked: Collection[int]) -> frozenset[int]:
    """Return which of `asked`, ports of this host's loopback, lead to something else for certain.

    That is known of a running container with an address of its own: what it does not publish
    there is another's.
    """
    if not addresses(container):
        return frozenset()
    return frozenset(asked) - {port.host_port for port in published(container) if port.on_loopback}


def _port(digits: str) -> int:
    """Return the number of a port, 0 for nonsense."""
    number = int(digits) if digits.isdecimal() and len(digits) <= 5 else 0
    return number if number < 65536 else 0
