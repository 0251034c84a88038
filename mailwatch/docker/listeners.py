"""What is to be seen behind the ports that the container publishes: who listens, who is filtered.

Docker's userland proxy accepts a connection to a published port even where nothing listens
inside, and then closes it: from outside, a server that died looks like one that bans us. And
where a packet filter swallows what the proxy sends, it waits: a ban looks like a hang.
"""

from __future__ import annotations

import socket
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import islice
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.docker.network import addresses, published
from mailwatch.docker.process import first_process, is_of
from mailwatch.docker.record import Record

_CONNECT_S = 0.2
"""What one connection may take, so that a network that the host cannot reach costs not all."""

_SYN_SENT = b" 02 "
_LISTEN = b" 0A "
"""States in the kernel's tables (include/net/tcp_states.h), as one of the columns."""

_PART = 4096
"""Lines that are read between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is known for certain of ports of this host's loopback; what is not known is missing."""

    listens: Mapping[int, bool] = field(default_factory=dict)
    """Port -> whether anything listens behind it."""
    unheard: frozenset[int] = frozenset()
    """Those where something listens and takes who comes, and nothing from this host arrives."""


def behind(
    container: Record, asked: Collection[int], deadline: Deadline, proc: Path = Path("/proc")
) -> Behind:
    """Return what is behind those of `asked` that the container publishes; raises nothing.

    `asked` are TCP ports of this host's loopback. One is missing where that is not known for
    certain: the container does not publish it, has the host's network or another container's,
    does not run, or /proc shows nothing of it.

    `listens` is True where a socket of the container's network listens, on whatever address. It
    is False where none does and the container refuses a connection of ours to that port as well.
    Neither alone proves it: gVisor and Kata have a network that the host's kernel does not show,
    a rule inside the container may redirect the port, and a firewall inside it may refuse us.

    A port is `unheard` where a connection from this host, of docker-proxy's say, has waited for
    an answer of the kernel inside for a second, although nobody waits there to be accepted: a
    server that hangs has its queue full before its kernel falls silent (tcp(7)).
    """
    inside: dict[int, set[int]] = defaultdict(set)
    for port in published(container):
        if port.host_port in asked and port.on_loopback:
            inside[port.host_port].add(port.container_port)
    if not inside:
        return Behind()
    try:
        queues = _listening(container, proc, deadline)
    except (OSError, ValueError, LookupError):  # among them that the time is up
        return Behind()
    silent = set().union(*inside.values()) - queues.keys()
    hosts = addresses(container)
    refused = _refused(hosts, sorted(silent), deadline)
    found = {}
    for outer, ports in inside.items():
        if ports & queues.keys():
            found[outer] = True
        elif ports <= refused:
            found[outer] = False
    idle = {port for port, waiting in queues.items() if not waiting}
    try:
        unheard = _unanswered(hosts, idle, proc, deadline)
    except (OSError, ValueError, LookupError):
        unheard = set()
    return Behind(found, frozenset(outer for outer, ports in inside.items() if ports <= unheard))


def _listening(container: Record, proc: Path, deadline: Deadline) -> Mapping[int, int]:
    """Return port -> how many wait to be accepted; raises OSError, ValueError and LookupError."""
    process = first_process(container, proc)
    queues: dict[int, int] = {}
    for line in _sockets(process, _LISTEN, deadline):
        port = int(line[1].rpartition(b":")[2], 16)
        waiting = int(line[4].rpartition(b":")[2], 16)
        queues[port] = max(waiting, queues.get(port, 0))
    if not is_of(process, container):
        raise ValueError("that process is not one of the container")
    return queues


def _unanswered(
    hosts: Collection[str], ports: Collection[int], proc: Path, deadline: Deadline
) -> set[int]:
    """Return those of `ports` of which a connection from this host gets no answer at any host."""
    ends = {f"{_as_in_tables(host)}:{port:04X}".encode(): port for host in hosts for port in ports}
    if not ends:
        return set()
    found = set()
    for line in _sockets(proc / "self", _SYN_SENT, deadline):
        port = ends.get(line[2])
        if port is not None and int(line[6], 16) > 0:  # it was sent again
            found.add(port)
    return found


def _as_in_tables(address: str) -> str:
    """Return a numeric address as proc_pid_net(5) shows it: words of 32 bits, as they lie here."""
    packed = ip_address(address.partition("%")[0]).packed
    words = (packed[i : i + 4] for i in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


def _sockets(process: Path, state: bytes, deadline: Deadline) -> Iterator[list[bytes]]:
    """Yield the columns of the sockets in `state`, see proc_pid_net(5)."""
    for name in ("tcp", "tcp6"):
        table = process / "net" / name
        if name == "tcp6" and not table.exists():
            continue  # a kernel without IPv6
        with table.open("rb") as lines:
            while part_of_it := list(islice(lines, _PART)):
                deadline.remaining()
                for line in part_of_it:
                    if state in line:
                        yield line.split(None, 7)


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
