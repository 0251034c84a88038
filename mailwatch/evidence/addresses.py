"""The kernel's tables of TCP sockets, read line by line: see proc_pid_net(5), tcp and tcp6."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

STATES = {
    1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
    6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
    12: "SYN_RECV",
}  # fmt: skip
"""The kernel's numbers (include/net/tcp_states.h)."""

_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Socket:
    """One row of the table. `queue` of a LISTEN socket is how many wait to be accepted."""

    port: int
    remote: str
    state: str
    queue: int
    accepted: bool
    """Whether a process holds it; False also for TIME_WAIT and SYN_RECV."""


def parse(lines: Iterable[str]) -> Iterator[Socket]:
    """Yield the sockets of a table; the header, and lines that make no sense, are passed over."""
    for line in lines:
        fields = line.split(None, 10)
        if len(fields) < 10 or ":" not in fields[1]:
            continue
        try:
            yield Socket(
                port=int(fields[1].rpartition(":")[2], 16),
                remote=address(fields[2].rpartition(":")[0]),
                state=STATES.get(int(fields[3], 16), "OTHER"),
                queue=int(fields[4].partition(":")[2], 16),
                accepted=fields[9] != "0",
            )
        except ValueError:
            continue


@lru_cache(maxsize=4096)
def address(words: str) -> str:
    """Return the address that 8 or 32 hexadecimal digits mean; raises ValueError.

    Each four bytes are in the order of the host. An IPv4 address within IPv6 is shown as IPv4.
    """
    raw = bytes.fromhex(words)
    if len(raw) not in (4, 16):
        raise ValueError(words)
    if struct.pack("=H", 1) == b"\1\0":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    if raw.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)


@lru_cache(maxsize=4096)
def prefix(text: str) -> str:
    """Return the /24 of an IPv4 address, the /64 of an IPv6 one."""
    if ":" not in text:
        return f"{text.rpartition('.')[0]}.0/24"
    raw = socket.inet_pton(socket.AF_INET6, text)[:8] + bytes(8)
    return f"{socket.inet_ntop(socket.AF_INET6, raw)}/64"
