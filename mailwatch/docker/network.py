"""What a container's own record says about its network: its addresses, and what it publishes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass

from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.docker.record import Record, part, parts, text

_EVERY = ("", "0.0.0.0", "::")  # noqa: S104  compared with, not bound to


@dataclass(frozen=True, slots=True)
class Published:
    """One TCP port of the container that the engine has opened on the host."""

    host_address: str
    host_port: int
    container_port: int

    @property
    def on_loopback(self) -> bool:
        """Whether it is open on the host's loopback, alone or among others."""
        return self.host_address in _EVERY or is_loopback(self.host_address)


def addresses(container: Record) -> tuple[str, ...]:
    """Return the addresses of its own that the running container has in its networks."""
    keys = ("IPAddress", "GlobalIPv6Address")
    found = [text(one, key) for one in _networks(container) for key in keys]
    return tuple(filter(is_numeric, found))


def networks(container: Record) -> tuple[str, ...] | None:
    """Return the networks that the running container is in, None where the engine tells none.

    `none` is no network.
    """
    if not isinstance(part(container, "NetworkSettings").get("Networks"), dict):
        return None
    return tuple(name for name in _in(container) if name != "none")


def shares_host_network(container: Record) -> bool:
    """Whether the container has no network of its own, and so publishes nothing."""
    return text(part(container, "HostConfig"), "NetworkMode") == "host"


def is_guest(container: Record) -> bool:
    """Whether the container is in the network of another (`network_mode: service:vpn`)."""
    return bool(host_of(container))


def host_of(container: Record) -> str:
    """Return the id or name of the container in whose network this one is, empty for none."""
    kind, _, host = text(part(container, "HostConfig"), "NetworkMode").partition(":")
    return host if kind == "container" else ""


def published(container: Record) -> tuple[Published, ...]:
    """Return every TCP port that the running container publishes; empty while it is stopped."""
    found = []
    ports = part(part(container, "NetworkSettings"), "Ports")
    for name in ports:
        number, _, protocol = name.partition("/")
        inner = _port(number) if protocol == "tcp" else 0
        for binding in parts(ports, name) if inner else ():
            if outer := _port(text(binding, "HostPort")):
                found.append(Published(text(binding, "HostIp"), outer, inner))
    return tuple(found)


def inside(
    ports: Iterable[Published], asked: Collection[int], *, loopback: bool = False
) -> Mapping[int, Set[int]]:
    """Return to which ports of the container those of `asked`, ports of this host, lead.

    With `loopback` they are those of its loopback.
    """
    found: dict[int, set[int]] = {}
    for port in ports:
        if port.host_port in asked and (port.on_loopback or not loopback):
            found.setdefault(port.host_port, set()).add(port.container_port)
    return found


def gateways(container: Record, *, six: bool = False) -> list[str]:
    """Return the gateway of each network; with `six` its IPv6 one where there is one."""
    keys = ("IPv6Gateway", "Gateway") if six else ("Gateway", "IPv6Gateway")
    found = [text(one, keys[0]) or text(one, keys[1]) for one in _networks(container)]
    return list(dict.fromkeys(filter(None, found)))


def elsewhere(container: Record, asked: Collection[int]) -> frozenset[int]:
    """Return which of `asked`, ports of this host's loopback, lead to something else for certain.

    That is known of a running container with an address of its own: what it does not publish
    there is another's.
    """
    if not addresses(container):
        return frozenset()
    return frozenset(asked) - inside(published(container), asked, loopback=True).keys()


def _networks(container: Record) -> list[Record]:
    found = _in(container)
    return [part(found, name) for name in found]


def _in(container: Record) -> Record:
    return part(part(container, "NetworkSettings"), "Networks")


def _port(digits: str) -> int:
    """Return the number of a port, 0 for nonsense."""
    number = int(digits) if digits.isdecimal() and len(digits) <= 5 else 0
    return number if number < 65536 else 0
