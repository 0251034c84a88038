"""The kernel's tables of TCP sockets, read piece by piece: proc_pid_net(5), tcp and tcp6."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from mailwatch.core.deadline import Deadline

LISTEN, SYN_SENT = "LISTEN", "SYN_SENT"

STATES = {
    1: "ESTABLISHED", 2: SYN_SENT, 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2",
    6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: LISTEN, 11: "CLOSING",
    12: "SYN_RECV",
}  # fmt: skip
"""The kernel's numbers (include/net/tcp_states.h)."""

_COLUMNS = {"": b":", LISTEN: b" 0A ", SYN_SENT: b" 02 "}
"""What a line of such a state holds; its other columns may hold it, too."""

_MAPPED = bytes(10) + b"\xff\xff"
_PIECE = 4096
"""Lines that are read between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One row of a table. `queue` of a LISTEN socket is how many wait to be accepted."""

    port: int
    remote: str
    remote_port: int
    state: str
    queue: int
    resent: int
    """How often what was sent last has been sent again."""
    accepted: bool
    """Whether a process holds it; False also for TIME_WAIT and SYN_RECV."""


def tables(net: Path) -> list[Path]:
    """Return the tables under `net`, such as /proc/123/net; a kernel without IPv6 has one."""
    return [net / "tcp", *(table for table in (net / "tcp6",) if table.exists())]


def lines(table: Path, deadline: Deadline, state: str = "") -> Iterator[bytes]:
    """Yield the lines of a table, which is never in memory as a whole, or those in `state` alone.

    `state` is LISTEN or SYN_SENT. Raises OSError, and DeadlineExpired between two pieces.
    """
    column = _COLUMNS[state]
    with table.open("rb") as rows:
        while piece := list(islice(rows, _PIECE)):
            yield from (line for line in piece if column in line)
            if len(piece) == _PIECE:
                deadline.remaining()


def parse(line: bytes) -> Socket:
    """Return the socket of one line; raises ValueError, for the header as well."""
    columns = line.split(None, 10)
    if len(columns) < 10:
        raise ValueError("too few columns")
    local, remote = columns[1].rpartition(b":"), columns[2].rpartition(b":")
    return Socket(
        port=int(local[2], 16),
        remote=address(remote[0]),
        remote_port=int(remote[2], 16),
        state=STATES.get(int(columns[3], 16), "OTHER"),
        queue=int(columns[4].partition(b":")[2], 16),
        resent=int(columns[6], 16),
        accepted=columns[9] != b"0",
    )


@lru_cache(maxsize=4096)
def address(digits: bytes) -> str:
    """Return the address that 8 or 32 hexadecimal digits mean; raises ValueError.

    Each four bytes are in the order of the host. An IPv4 address within IPv6 is shown as IPv4.
    """
    raw = bytes.fromhex(digits.decode("ascii"))
    if len(raw) not in (4, 16):
        raise ValueError(digits)
    if struct.pack("=H", 1) == b"\1\0":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    if raw.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)
