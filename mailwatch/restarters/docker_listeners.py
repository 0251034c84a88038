"""Whether anything listens in the container behind the ports that it publishes.

Docker's userland proxy accepts a connection to a published port even where nothing listens
inside, and then closes it: from outside, a server that died looks like one that bans us.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.restarters.docker_network import addresses, published
from mailwatch.restarters.docker_state import Record, number, part, text

_CONNECT_S = 0.2
"""What one connection may take, so that a network that the host cannot reach costs not all."""

_LISTEN = b" 0A "
"""TCP_LISTEN in the kernel's tables (include/net/tcp_states.h), as one of the columns."""

_PART = 4096
"""Lines that are read between two looks at the clock."""


def listens(
    container: Record, asked: Collection[int], deadline: Deadline, proc: Path = Path("/proc")
) -> dict[int, bool]:
    """Return port of `asked` -> whether anything listens behind it; raises nothing.

    `asked` are TCP ports of this host's loopback. One is missing where that is not known for
    certain: the container does not publish it, has the host's network or another container's,
    does not run, or /proc shows nothing of it.

    It is True where a socket of the container's network listens, on whatever address. It is
    False where none does and the container refuses a connection of ours to that port as well.
    Neither alone proves it: gVisor and Kata have a network that the host's kernel does not show,
    a rule inside the container may redirect the port, and a firewall inside it may refuse us.
    """
    inside: dict[int, set[int]] = defaultdict(set)
    for port in published(container):
        if port.host_port in asked and port.on_loopback:
            inside[port.host_port].add(port.container_port)
    if not inside:
        return {}
    try:
        heard = _listening(container, proc, deadline)
    except (OSError, ValueError, LookupError):  # among them that the time is up
        return {}
    silent = set().union(*inside.values()) - heard
    refused = _refused(addresses(container), sorted(silent), deadline)
    found = {}
    for outer, ports in inside.items():
        if ports & heard:
            found[outer] = True
        elif ports <= refused:
            found[outer] = False
    return found


def _listening(container: Record, proc: Path, deadline: Deadline) -> frozenset[int]:
    """Return the ports on which the container listens; raises OSError and ValueError."""
    process = proc / str(number(part(container, "State"), "Pid"))
    ports: set[int] = set()
    for name in ("tcp", "tcp6"):
        if name == "tcp6" and not (process / "net" / name).exists():
            continue  # a kernel without IPv6
        ports.update(_ports(process / "net" / name, deadline))
    # Asked last, when all is read: the engine may be another host's, and a number is soon reused.
    identity = text(container, "Id")
    if not identity or identity not in (process / "cgroup").read_text("utf-8", "replace"):
        raise ValueError("that process is not one of the container")
    return frozenset(ports)


def _ports(table: Path, deadline: Deadline) -> Iterator[int]:
    """Yield the local ports of the sockets that listen, see proc_pid_net(5)."""
    with table.open("rb") as lines:
        while part_of_it := list(islice(lines, _PART)):
            deadline.remaining()
            for line in part_of_it:
                if _LISTEN in line:
                    yield int(line.split(None, 2)[1].rpartition(b":")[2], 16)


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
