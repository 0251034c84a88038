"""What is to be seen behind the ports that the container publishes: who listens, who is filtered.

Docker's userland proxy accepts a connection even where nothing listens inside, and closes it: a
server that died looks like one that bans us. Where a packet filter swallows what the proxy sends,
it waits: a ban looks like a hang.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.docker.network import addresses
from mailwatch.docker.process import first_process, is_of
from mailwatch.docker.record import Record
from mailwatch.host import tcp_table

LISTENERS_S = 1.5
"""What it may take to see what listens; on an idle host that takes a millisecond."""

_CONNECT_S = 0.2
"""What one connection may take, so that a network that the host cannot reach costs not all."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is known for certain of ports of this host; what is not known is missing."""

    listens: Mapping[int, bool] = field(default_factory=dict)
    """Port -> whether anything listens behind it."""
    unheard: frozenset[int] = frozenset()
    """Those where something listens and takes who comes, and nothing from this host arrives."""


def behind(
    container: Record,
    inside: Mapping[int, Set[int]],
    deadline: Deadline,
    proc: Path = Path("/proc"),
) -> Behind:
    """Return what is behind ports of this host that the container publishes; raises nothing.

    `inside` maps each to the ports of the container that it leads to (see `network.inside`).

    `listens` is True where a socket of the container's network listens, on whatever address. It
    is False where none does and the container refuses a connection of ours to that port as well.
    Neither alone proves it: gVisor and Kata have a network that the host's kernel does not show,
    a rule inside the container may redirect the port, and a firewall inside it may refuse us.

    A port is `unheard` where a connection from this host, of docker-proxy's say, has waited for
    an answer of the kernel inside for a second, although nobody waits there to be accepted: a
    server that hangs has its queue full before its kernel falls silent (tcp(7)).
    """
    if not inside or deadline.expired:
        return Behind()
    deadline = deadline.sooner(LISTENERS_S)
    try:
        queues = _listening(container, proc, deadline)
    except (OSError, ValueError):  # among them that the time is up
        return Behind()
    silent = set().union(*inside.values()) - queues.keys()
    hosts = addresses(container)
    refused = _refused(hosts, sorted(silent), deadline)
    found = {outer: False for outer, ports in inside.items() if ports <= refused}
    found |= {outer: True for outer, ports in inside.items() if ports & queues.keys()}
    idle = {port for port, waiting in queues.items() if not waiting}
    try:
        unheard = _unanswered(hosts, idle, proc, deadline)
    except (OSError, ValueError):
        unheard = set()
    return Behind(found, frozenset(outer for outer, ports in inside.items() if ports <= unheard))


def _listening(container: Record, proc: Path, deadline: Deadline) -> Mapping[int, int]:
    """Return port -> how many wait to be accepted; raises OSError and ValueError."""
    process = first_process(container, proc)
    if process is None:
        raise ValueError("the container has no process")
    queues: dict[int, int] = {}
    for one in _sockets(process / "net", tcp_table.LISTEN, deadline):
        queues[one.port] = max(one.queue, queues.get(one.port, 0))
    if not is_of(process, container):
        raise ValueError("that process is not one of the container")
    return queues


def _unanswered(
    hosts: Collection[str], ports: Collection[int], proc: Path, deadline: Deadline
) -> set[int]:
    """Return those of `ports` of which a connection from this host gets no answer at any host."""
    ends = {(host, port) for host in hosts for port in ports}
    if not ends:
        return set()
    asked = _sockets(proc / "self" / "net", tcp_table.SYN_SENT, deadline)
    return {
        one.remote_port for one in asked if one.resent and (one.remote, one.remote_port) in ends
    }


def _sockets(net: Path, state: str, deadline: Deadline) -> list[tcp_table.Socket]:
    """Return the sockets in `state`; raises OSError, and ValueError where a line is nonsense."""
    tables = (tcp_table.lines(table, deadline, state) for table in tcp_table.tables(net))
    found = [tcp_table.parse(line) for lines in tables for line in lines]
    return [one for one in found if one.state == state]


def _refused(hosts: Collection[str], ports: Collection[int], deadline: Deadline) -> set[int]:
    """Return which of `ports` are refused at one of `hosts` and accepted at none."""
    refused: set[int] = set()
    accepted: set[int] = set()
    for host in hosts:
        for port in ports:
            try:
                left_s = deadline.sooner(_CONNECT_S).remaining()
                socket.create_connection((host, port), left_s).close()
                accepted.add(port)
            except ConnectionRefusedError:
                refused.add(port)
            except OSError:
                break  # this host cannot be reached from here, or the time is up
    return refused - accepted
