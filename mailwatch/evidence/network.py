"""One network namespace in numbers: its connections by port and origin, queues and overflows."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.evidence import Json, NotReadable
from mailwatch.core.facts import fact
from mailwatch.evidence import files
from mailwatch.host import tcp_table

MOST_SOCKETS = 50_000
"""What lies beyond is left out of a table, and that is said: these take 0.3 s to count."""

_TOP = 10
_TOP_OF_A_PORT = 5
_OPEN = frozenset({"ESTABLISHED", "CLOSE_WAIT"})

_COUNTERS = {
    "ListenOverflows": "listen_overflows",
    "ListenDrops": "listen_drops",
    "SyncookiesSent": "syncookies_sent",
    "TCPReqQFullDrop": "syn_backlog_drops",
    "TCPReqQFullDoCookies": "syn_backlog_cookies",
}


@dataclass
class _Port:
    """What is counted of one port that is served; no socket is kept, for a flood has very many."""

    queue: int | None = None
    """None where nobody listens."""
    states: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    """From where the open connections are that nobody has accepted."""
    held: Counter[str] = field(default_factory=Counter)
    """From where those are that a process holds as open files."""


@dataclass
class _Table:
    """What is counted of all sockets."""

    ports: dict[int, _Port]
    states: Counter[str] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)

    def add(self, one: tcp_table.Socket) -> None:
        """Count a socket; those that listen come first in the kernel's table."""
        self.states[one.state] += 1
        if one.state == tcp_table.LISTEN:
            port = self.ports.setdefault(one.port, _Port())
            port.queue = max(port.queue or 0, one.queue)
        elif served := self.ports.get(one.port):
            served.states[one.state] += 1
            self.addresses[one.remote] += 1
            if one.state in _OPEN:
                (served.held if one.accepted else served.waiting)[one.remote] += 1

    def listeners(self) -> list[Json]:
        """Return a row for each port that somebody listens on."""
        return [
            _row(number, port)
            for number, port in sorted(self.ports.items())
            if port.queue is not None
        ]


def _row(number: int, port: _Port) -> Json:
    addresses = port.held + port.waiting
    return {
        "port": number,
        "queue": port.queue,
        "not_accepted": port.waiting.total(),
        "half_open": port.states["SYN_RECV"],
        "connections": addresses.total(),
        "held": port.held.total(),
        "states": dict(port.states.most_common()),
        "addresses": _top("address", addresses, _TOP_OF_A_PORT),
        "held_from": _top("address", port.held, _TOP_OF_A_PORT),
        "prefixes": _top("prefix", _prefixes(addresses), _TOP_OF_A_PORT),
    }


def look(net: Path, ports: Iterable[int], deadline: Deadline) -> dict[str, Json]:
    """Return what the tables under `net`, such as /proc/123/net, show; raises NotReadable.

    Connections are counted for the ports that somebody listens on, and for `ports`.
    """
    table = _Table({port: _Port() for port in ports})
    cut = False
    for path in tcp_table.tables(net):
        try:
            for count, line in enumerate(tcp_table.lines(path, deadline)):
                with suppress(ValueError):
                    table.add(tcp_table.parse(line))
                if count >= MOST_SOCKETS:
                    cut = True
                    break
        except DeadlineExpired:
            cut = True
        except OSError as error:
            raise files.not_readable(path, error) from None
    return {
        "sockets": table.states.total(),
        "states": dict(table.states.most_common()),
        "listeners": table.listeners(),
        "addresses": _top("address", table.addresses, _TOP),
        "prefixes": _top("prefix", _prefixes(table.addresses), _TOP),
        **({"cut_short": True} if cut else {}),
    }


def _prefixes(addresses: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for address, count in addresses.items():
        found[prefix(address)] += count
    return found


def prefix(text: str) -> str:
    """Return the /24 of an IPv4 address, the /64 of an IPv6 one."""
    if ":" not in text:
        return f"{text.rpartition('.')[0]}.0/24"
    raw = socket.inet_pton(socket.AF_INET6, text)[:8] + bytes(8)
    return f"{socket.inet_ntop(socket.AF_INET6, raw)}/64"


def counters(net: Path) -> dict[str, int]:
    """Return what the kernel has counted since the namespace was made; raises NotReadable."""
    lines = _lines(net / "netstat", "TcpExt:")  # the names, then their numbers
    if len(lines) < 2:
        raise NotReadable(fact("file-without-line", path=str(net / "netstat"), line="TcpExt"))
    counted = {name: count for name, count in zip(*lines[:2], strict=False) if count.isdigit()}
    return {ours: int(counted[name]) for name, ours in _COUNTERS.items() if name in counted}


def memory(net: Path) -> dict[str, int]:
    """Return the TCP line of sockstat, such as `tcp_orphan`; raises NotReadable."""
    words = next(iter(_lines(net / "sockstat", "TCP:")), [])
    pairs = zip(words[1::2], words[2::2], strict=False)
    return {f"tcp_{name}": int(count) for name, count in pairs if count.isdigit()}


def _lines(path: Path, head: str) -> list[list[str]]:
    """Return the words of the lines that begin with `head`; raises NotReadable."""
    lines = map(str.split, files.read(path).splitlines())
    return [words for words in lines if words[:1] == [head]]


def _top(name: str, counted: Counter[str], most: int) -> list[Json]:
    return [{name: origin, "connections": count} for origin, count in counted.most_common(most)]
