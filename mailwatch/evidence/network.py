"""One network namespace in numbers: its connections by port and origin, queues and overflows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Json, Unreadable
from mailwatch.evidence import files
from mailwatch.evidence.addresses import Socket, parse, prefix

LONGEST_TABLE = 24 * 1024 * 1024
"""Of bytes: 160,000 sockets. What lies beyond is left out, and that is said."""

TOP = 10
_TOP_OF_A_PORT = 5

_COUNTERS = {
    "ListenOverflows": "listen_overflows",
    "ListenDrops": "listen_drops",
    "SyncookiesSent": "syncookies_sent",
    "TCPReqQFullDrop": "syn_backlog_drops",
    "TCPReqQFullDoCookies": "syn_backlog_cookies",
}


def look(net: Path, ports: Iterable[int], deadline: Deadline) -> dict[str, Json]:
    """Return what the tables under `net`, such as /proc/123/net, show; raises Unreadable.

    Origins are counted for the ports that somebody listens on, and for `ports`.
    """
    sockets, cut = _sockets(net, deadline)
    listening = {one.port: 0 for one in sockets if one.state == "LISTEN"}
    for one in sockets:
        if one.state == "LISTEN":
            listening[one.port] = max(listening[one.port], one.queue)
    served = {*listening, *ports}
    inbound = [one for one in sockets if one.port in served and one.state != "LISTEN"]
    values: dict[str, Json] = {
        "sockets": len(sockets),
        "states": _by_state(sockets),
        "listeners": [
            _listener(port, queue, [one for one in inbound if one.port == port])
            for port, queue in sorted(listening.items())
        ],
        "addresses": _top("address", (one.remote for one in inbound), TOP),
        "prefixes": _top("prefix", (prefix(one.remote) for one in inbound), TOP),
    }
    if cut:
        values["cut_short"] = True
    return values


def counters(net: Path) -> dict[str, int]:
    """Return what the kernel has counted since the namespace was made; raises Unreadable."""
    names: list[str] = []
    for line in files.read(net / "netstat").splitlines():
        words = line.split()
        if not words or words[0] != "TcpExt:":
            continue
        if not names:
            names = words
            continue
        counted = dict(zip(names, words, strict=False))
        return {
            ours: int(counted[theirs])
            for theirs, ours in _COUNTERS.items()
            if counted.get(theirs, "").isdigit()
        }
    raise Unreadable(f"{net / 'netstat'} has no line TcpExt: please report it with your kernel")


def memory(net: Path) -> dict[str, int]:
    """Return the TCP line of sockstat, such as `tcp_orphan`; raises Unreadable."""
    for line in files.read(net / "sockstat").splitlines():
        words = line.split()
        if words and words[0] == "TCP:":
            pairs = zip(words[1::2], words[2::2], strict=False)
            return {f"tcp_{name}": int(count) for name, count in pairs if count.isdigit()}
    return {}


def _sockets(net: Path, deadline: Deadline) -> tuple[list[Socket], bool]:
    found: list[Socket] = []
    cut = False
    for name in ("tcp", "tcp6"):
        if name == "tcp6" and not (net / name).exists():
            continue  # a kernel without IPv6
        table = files.read(net / name, LONGEST_TABLE)
        cut = cut or len(table) >= LONGEST_TABLE
        for one in parse(table.splitlines()):
            found.append(one)
            if len(found) % 4096 == 0 and deadline.expired:
                return found, True
    return found, cut


def _listener(port: int, queue: int, sockets: list[Socket]) -> Mapping[str, Json]:
    open_ones = [one for one in sockets if one.state in ("ESTABLISHED", "CLOSE_WAIT")]
    return {
        "port": port,
        "queue": queue,
        "not_accepted": sum(not one.accepted for one in open_ones),
        "connections": len(open_ones),
        "states": _by_state(sockets),
        "prefixes": _top("prefix", (prefix(one.remote) for one in open_ones), _TOP_OF_A_PORT),
    }


def _by_state(sockets: Iterable[Socket]) -> dict[str, Json]:
    return dict(Counter(one.state for one in sockets).most_common())


def _top(name: str, origins: Iterable[str], most: int) -> list[Json]:
    counted = Counter(origins).most_common(most)
    return [{name: origin, "connections": count} for origin, count in counted]
