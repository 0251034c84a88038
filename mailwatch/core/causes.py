"""What the evidence says about why mail is down: one table of named patterns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailwatch.core.evidence import EVERYTHING, Evidence, number, rows, text, value
from mailwatch.core.facts import NOTHING
from mailwatch.core.say import say
from mailwatch.core.text import join_words, printable

LINE_LIMIT = 160
UNKNOWN = ""
"""The honest answer where no pattern fits."""

FULL_FREE_BYTES = 1024 * 1024
FULL_FREE_SHARE = 0.005
FULL_QUEUE = 50
"""A queue so long is full where overflows were counted: postfix asks for 100, dovecot for 128."""

NEARLY = 0.98
SLOW_DNS_S = 1.0
STALLED_PERCENT = 40.0
_PLAINLY_ONE = 0.5
_NAMES = 3
_BAN = "ban"


@dataclass(frozen=True, slots=True)
class Cause:
    """One pattern that fits: its name, the line for a person, and what in the evidence says so."""

    name: str
    line: str
    """ASCII, at most LINE_LIMIT characters, without a full stop."""
    support: tuple[str, ...]
    """Facts, a line each, such as `container.oom_killed is true`."""


def find(evidence: Evidence) -> tuple[Cause, ...]:
    """Return every cause whose pattern fits, the most telling first."""
    causes = []
    for name, pattern in PATTERNS.items():
        found = pattern(evidence)
        if found is not None:
            line, support = found
            causes.append(Cause(name, _line(line), tuple(map(printable, support))))
    return tuple(causes)


def likely(evidence: Evidence) -> str:
    """Return the line of the most telling cause, UNKNOWN where none fits."""
    causes = find(evidence)
    return causes[0].line if causes else UNKNOWN


Found = tuple[str, list[str]] | None


# --- the container ------------------------------------------------------------------------


def _out_of_memory(evidence: Evidence) -> Found:
    limit = number(evidence, "container", "memory_limit_bytes") or number(
        evidence, "cgroup", "memory_limit_bytes"
    )
    of = f", at its limit of {size(limit)}" if limit else ""
    if value(evidence, "container", "oom_killed") is True and not _runs(evidence):
        return f"out of memory: the container was killed{of}", ["container.oom_killed is true"]
    kills = number(evidence, "cgroup", "oom_kills") or 0
    if kills > 0:
        support = [f"cgroup.oom_kills is {kills:.0f} since the container started"]
        who = "a process" if kills == 1 else f"{kills:.0f} processes"
        return f"out of memory: {who} of the container {_was(kills)} killed{of}", support
    return None


def _was(count: float) -> str:
    return "was" if count == 1 else "were"


def _disk_full(evidence: Evidence) -> Found:
    for row in rows(evidence, "disk", "file_systems"):
        path, free, total = row.get("path"), row.get("free_bytes"), row.get("size_bytes")
        if not isinstance(free, int | float) or not isinstance(total, int | float) or total <= 0:
            continue
        if free <= max(FULL_FREE_BYTES, min(total * FULL_FREE_SHARE, 64 * FULL_FREE_BYTES)):
            fact = f"disk: {path} has {free:.0f} of {total:.0f} bytes free"
            return f"disk full: {path} has {size(free)} of {size(total)} free", [fact]
        if row.get("free_inodes") == 0 and row.get("inodes"):
            return f"disk full: {path} has no inode left", [f"disk: {path} has no free inode"]
    return None


def _docker_hung(evidence: Evidence) -> Found:
    if text(evidence, "container", "engine") != "unreachable":
        return None
    reason = say(evidence["container"].unreadable.get(EVERYTHING, NOTHING))
    return "Docker does not answer, so it hangs or is stopped", [f"container: {reason}"]


def _not_running(evidence: Evidence) -> Found:
    status = text(evidence, "container", "status")
    if value(evidence, "container", "paused") is True:
        return "the container is paused", ["container.paused is true"]
    if status in ("", "running"):
        return None
    code = number(evidence, "container", "exit_code")
    with_code = f" with exit code {code:.0f}" if status == "exited" and code is not None else ""
    return f"the container does not run: it is {status}{with_code}", [
        f"container.status is {status}"
    ]


def _stopped_processes(evidence: Evidence) -> Found:
    return _by_state(evidence, "T", "stopped processes (SIGSTOP)")


def _stuck_processes(evidence: Evidence) -> Found:
    return _by_state(evidence, "D", "stuck processes in D state, waiting for a disk or the network")


def _by_state(evidence: Evidence, state: str, words: str) -> Found:
    if value(evidence, "container", "paused") is True:
        return None  # the freezer of cgroup v1 shows every process in state D
    table = rows(evidence, "processes", "table")
    marked = [row for row in table if str(row.get("state", "")).startswith(state)]
    if state == "D":
        marked = [row for row in marked if row.get("stuck") is True]
    if not marked:
        return None
    names = list(dict.fromkeys(str(row.get("name", "?")) for row in marked))
    shown = join_words(names[:_NAMES]) if len(names) <= _NAMES else f"{', '.join(names[:_NAMES])}"
    more = ", ..." if len(names) > _NAMES else ""
    support = [
        f"process {row.get('pid')} ({row.get('name')}) is in state {row.get('state')}"
        + (f" in {row.get('waits_in')}" if row.get("waits_in") not in (None, "", "-", "0") else "")
        for row in marked[:5]
    ]
    return f"{words}: {len(marked)} of {len(table)} ({shown}{more})", support


def _no_process_left(evidence: Evidence) -> Found:
    used, most = number(evidence, "cgroup", "pids"), number(evidence, "cgroup", "pids_limit")
    if used is None or not most or used < most:
        return None
    return f"the container may start no more processes: it has all {most:.0f} that it may", [
        f"cgroup.pids is {used:.0f} of {most:.0f}"
    ]


# --- its sockets --------------------------------------------------------------------------


def _nothing_listens(evidence: Evidence) -> Found:
    if not _runs(evidence):
        return None
    missing = [
        row.get("port")
        for row in rows(evidence, "connections", "watched")
        if row.get("listens") is False and _failed_on(evidence, row.get("published_as"))
    ]
    if not missing:
        return None
    ports = join_words([str(port) for port in missing])
    return f"nothing listens on {ports} inside the container", [
        f"connections: no socket of the container listens on {port}" for port in missing
    ]


def _accept_queue_full(evidence: Evidence) -> Found:
    overflows = number(evidence, "connections", "container", "listen_overflows") or 0
    growing = (number(evidence, "connections", "container", "listen_overflows_grew") or 0) > 0
    fullest: tuple[float, Mapping[str, object]] | None = None
    for row in rows(evidence, "connections", "container", "listeners"):
        queue, limit = row.get("queue"), row.get("queue_limit")
        if not isinstance(queue, int | float):
            continue
        known = isinstance(limit, int | float) and queue >= limit > 0
        guessed = (overflows > 0 and queue >= FULL_QUEUE) or (growing and queue > 0)
        if (known or guessed) and (fullest is None or queue > fullest[0]):
            fullest = queue, row
    if fullest is None:
        return None
    queue, row = fullest
    support = [
        f"connections: {queue:.0f} connections wait on {row.get('port')} to be accepted",
        f"connections: the container's accept queues have overflowed {overflows:.0f} times",
    ]
    return f"accept queue full on {row.get('port')} with {_crowd(row)}", support


def _crowd(listener: Mapping[str, object]) -> str:
    """Return how many connections a port has, and from where if most have one origin."""
    total = listener.get("connections")
    count = total if isinstance(total, int) else 0
    prefixes = listener.get("prefixes")
    if isinstance(prefixes, Sequence) and prefixes and isinstance(prefixes[0], Mapping):
        first = prefixes[0]
        most = first.get("connections")
        if isinstance(most, int) and most > count * _PLAINLY_ONE:
            return f"{most} connections from {first.get('prefix')}"
    return f"{count} connections"


def _syn_backlog(evidence: Evidence) -> Found:
    cookies = number(evidence, "connections", "container", "syncookies_grew") or 0
    if cookies <= 0:
        return None
    return "SYN flood: the kernel answers new connections with SYN cookies", [
        f"connections: {cookies:.0f} SYN cookies were sent during the look"
    ]


def is_ban(line: str) -> bool:
    """Return whether the likely cause in `line` is a ban."""
    return line.startswith(_BAN)


def _ban(evidence: Evidence) -> Found:
    watched = rows(evidence, "connections", "watched")
    published = {row.get("published_as") for row in watched}
    failed = _failed(evidence)
    ports = [row for row in failed if _port(row) is not None]
    dropped = [row for row in ports if row.get("fault") == "dropped"]
    if not dropped or any(row.get("fault") not in ("dropped", "rejected") for row in ports):
        return None
    passed = [row for row in rows(evidence, "readings", "now") if row.get("verdict") == "pass"]
    if any(_port(row) in published for row in passed):
        return None
    asked = [row for row in watched if _failed_on(evidence, row.get("published_as"))]
    if not asked or any(row.get("listens") is not True for row in asked):
        return None
    us = text(evidence, "container", "seen_as") or text(evidence, "container", "gateway")
    who = f" of {us}, as which it sees this host," if us else ""
    return (
        f"{_BAN}{who} or a connection limit: all is dropped at once while the container listens",
        [
            f"readings: {len(dropped)} of {len(ports)} ports that fail drop the connection",
            "connections: every port listens inside the container",
        ],
    )


# --- the host -----------------------------------------------------------------------------


def _conntrack_full(evidence: Evidence) -> Found:
    return _used_up(evidence, "conntrack", "the host's connection tracking table is full")


def _no_descriptors(evidence: Evidence) -> Found:
    return _used_up(evidence, "files", "the host has no file descriptors left")


def _used_up(evidence: Evidence, what: str, words: str) -> Found:
    used, most = number(evidence, "host", what), number(evidence, "host", f"{what}_limit")
    if used is None or not most or used < most * NEARLY:
        return None
    return f"{words}: {used:.0f} of {most:.0f}", [f"host.{what} is {used:.0f} of {most:.0f}"]


def _stalled(evidence: Evidence) -> Found:
    for what, words in (("memory", "memory is short"), ("io", "the disks are overloaded")):
        share = number(evidence, "host", "pressure", what, "full_10s_percent") or 0
        if share >= STALLED_PERCENT:
            line = f"{words}: all work on the host stood still for {share:.0f} % of 10 s"
            return line, [f"host.pressure.{what} is {share:.1f} % (full, 10 s)"]
    return None


# --- what only the readings show ----------------------------------------------------------


def _slow_dns(evidence: Evidence) -> Found:
    slow = [
        (seconds, str(row.get("service", "")))
        for row in rows(evidence, "readings", "now")
        if (seconds := _phase(row, "resolve")) >= SLOW_DNS_S
    ]
    if not slow:
        return None
    seconds, service = max(slow)
    return f"slow DNS: finding the address of {service} took {seconds:.1f} s", [
        f"readings: {service} spent {seconds:.1f} s on resolving" for seconds, service in slow[:5]
    ]


def _tls_times_out(evidence: Evidence) -> Found:
    failed = _failed(evidence)
    handshakes = [
        row for row in failed if row.get("fault") == "timeout" and _last_phase(row) == "tls"
    ]
    if not handshakes or len(handshakes) != len(failed):
        return None
    names = join_words([str(row.get("service")) for row in handshakes[:_NAMES]])
    more = ", ..." if len(handshakes) > _NAMES else ""
    return f"TLS handshakes time out while TCP connects: {names}{more}", [
        f"readings: {row.get('service')} connected in {_phase(row, 'connect'):.3f} s, and then: "
        f"{row.get('detail')}"
        for row in handshakes[:5]
    ]


PATTERNS: Mapping[str, Callable[[Evidence], Found]] = {
    "out-of-memory": _out_of_memory,
    "disk-full": _disk_full,
    "docker-hung": _docker_hung,
    "not-running": _not_running,
    "stopped-processes": _stopped_processes,
    "stuck-processes": _stuck_processes,
    "no-process-left": _no_process_left,
    "accept-queue-full": _accept_queue_full,
    "nothing-listens": _nothing_listens,
    "syn-flood": _syn_backlog,
    "conntrack-full": _conntrack_full,
    "no-descriptors": _no_descriptors,
    "ban": _ban,
    "slow-dns": _slow_dns,
    "stalled": _stalled,
    "tls-times-out": _tls_times_out,
}
"""Every pattern by its name, the most telling first."""


def _runs(evidence: Evidence) -> bool:
    return text(evidence, "container", "status") == "running"


def _failed(evidence: Evidence) -> list[Mapping[str, object]]:
    return [row for row in rows(evidence, "readings", "now") if row.get("verdict") == "fail"]


def _failed_on(evidence: Evidence, port: object) -> bool:
    """Whether a service on this port of the host failed."""
    return port is not None and any(_port(row) == port for row in _failed(evidence))


def _port(row: Mapping[str, object]) -> int | None:
    """Return the port of a reading, None where it is of none; services are called NAME:PORT."""
    name, _, port = str(row.get("service")).rpartition(":")
    return int(port) if name and port.isdecimal() else None


def _phase(row: Mapping[str, object], phase: str) -> float:
    phases = row.get("phases")
    seconds = phases.get(phase) if isinstance(phases, Mapping) else None
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _last_phase(row: Mapping[str, object]) -> str:
    phases = row.get("phases")
    return str(list(phases)[-1]) if isinstance(phases, Mapping) and phases else ""


def size(count: float) -> str:
    """Return a number of bytes (>= 0) as a person says it: `0 B`, `512 MiB`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _line(words: str) -> str:
    plain = words.encode("ascii", "backslashreplace").decode("ascii")
    return printable(plain, LINE_LIMIT).rstrip(".")
