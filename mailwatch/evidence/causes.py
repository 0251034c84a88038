"""What the evidence says about why mail is down: one table of named patterns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mailwatch.core.causes import BAN, line
from mailwatch.core.evidence import EVERYTHING, Evidence, amount, number, rows, table, text, value
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.say import say
from mailwatch.core.text import printable

FULL_FREE_BYTES = 1024 * 1024
FULL_FREE_SHARE = 0.005
FULL_QUEUE = 50
"""A queue so long is full where overflows were counted: postfix asks for 100, dovecot for 128."""

NEARLY = 0.98
SLOW_DNS_S = 1.0
STALLED_PERCENT = 40.0
_PLAINLY_ONE = 0.5


@dataclass(frozen=True, slots=True)
class Cause:
    """One pattern that fits, and what in the evidence says so."""

    fact: Fact
    support: tuple[str, ...]
    """A line each, such as `container.oom_killed is true`."""

    @property
    def line(self) -> str:
        """The line for a person."""
        return line(self.fact)


def find(evidence: Evidence) -> tuple[Cause, ...]:
    """Return every cause whose pattern fits, the most telling first."""
    fitting = filter(None, (pattern(evidence) for pattern in PATTERNS.values()))
    return tuple(Cause(cause, tuple(map(printable, support))) for cause, support in fitting)


def likely(evidence: Evidence) -> Fact:
    """Return the most telling cause, NOTHING where none fits."""
    causes = find(evidence)
    return causes[0].fact if causes else NOTHING


Found = tuple[Fact, list[str]] | None


# --- the container ------------------------------------------------------------------------


def _out_of_memory(evidence: Evidence) -> Found:
    limits = (number(evidence, who, "memory_limit_bytes") for who in ("container", "cgroup"))
    limit = next(filter(None, limits), None)
    if value(evidence, "container", "oom_killed") is True and not _runs(evidence):
        return fact("out-of-memory", limit_bytes=limit), ["container.oom_killed is true"]
    kills = number(evidence, "cgroup", "oom_kills") or 0
    if kills > 0:
        support = [f"cgroup.oom_kills is {kills:.0f} since the container started"]
        return fact("out-of-memory", kills=kills, limit_bytes=limit), support
    return None


def _disk_full(evidence: Evidence) -> Found:
    for row in rows(evidence, "disk", "file_systems"):
        path, free, total = row.get("path"), amount(row, "free_bytes"), amount(row, "size_bytes")
        if free is None or total is None or total <= 0:
            continue
        if free <= max(FULL_FREE_BYTES, min(total * FULL_FREE_SHARE, 64 * FULL_FREE_BYTES)):
            full = fact("disk-full", path=str(path), free_bytes=free, size_bytes=total)
            return full, [f"disk: {path} has {free:.0f} of {total:.0f} bytes free"]
        if row.get("free_inodes") == 0 and row.get("inodes"):
            return fact("no-inode-left", path=str(path)), [f"disk: {path} has no free inode"]
    return None


def _docker_hung(evidence: Evidence) -> Found:
    if text(evidence, "container", "engine") != "unreachable":
        return None
    reason = say(evidence["container"].unreadable.get(EVERYTHING, NOTHING))
    return fact("docker-hung"), [f"container: {reason}"]


def _not_running(evidence: Evidence) -> Found:
    status = text(evidence, "container", "status")
    if value(evidence, "container", "paused") is True:
        return fact("paused"), ["container.paused is true"]
    if status in ("", "running"):
        return None
    code = number(evidence, "container", "exit_code") if status == "exited" else None
    return fact("not-running", status=status, exit_code=code), [f"container.status is {status}"]


def _by_state(state: str, code: str, evidence: Evidence) -> Found:
    if value(evidence, "container", "paused") is True:
        return None  # the freezer of cgroup v1 shows every process in state D
    found = rows(evidence, "processes", "table")
    marked = [row for row in found if str(row.get("state", "")).startswith(state)]
    if state == "D":
        marked = [row for row in marked if row.get("stuck") is True]
    if not marked:
        return None
    names = tuple(dict.fromkeys(str(row.get("name", "?")) for row in marked))
    support = [
        f"process {row.get('pid')} ({row.get('name')}) is in state {row.get('state')}"
        + (f" in {row.get('waits_in')}" if row.get("waits_in") not in (None, "", "-", "0") else "")
        for row in marked[:5]
    ]
    return fact(code, marked=len(marked), count=len(found), names=names), support


def _used_up(who: str, what: str, nearly: float, code: str, evidence: Evidence) -> Found:
    used, most = number(evidence, who, what), number(evidence, who, f"{what}_limit")
    if used is None or not most or used < most * nearly:
        return None
    return fact(code, used=used, limit=most), [f"{who}.{what} is {used:.0f} of {most:.0f}"]


# --- its sockets --------------------------------------------------------------------------


def _nothing_listens(evidence: Evidence) -> Found:
    if not _runs(evidence):
        return None
    missing = [
        str(row.get("port"))
        for row in rows(evidence, "connections", "watched")
        if row.get("listens") is False and _failed_on(evidence, row.get("published_as"))
    ]
    if not missing:
        return None
    return fact("nothing-listens", ports=tuple(missing)), [
        f"connections: no socket of the container listens on {port}" for port in missing
    ]


def _accept_queue_full(evidence: Evidence) -> Found:
    overflows = number(evidence, "connections", "container", "listen_overflows") or 0
    growing = (number(evidence, "connections", "container", "listen_overflows_grew") or 0) > 0
    # No queue has a higher limit than the container's somaxconn, where that is known.
    limit = number(evidence, "connections", "somaxconn") or float("inf")
    least = min(limit, FULL_QUEUE if overflows > 0 else limit, 1 if growing else limit)
    queues = [
        (queue, row)
        for row in rows(evidence, "connections", "container", "listeners")
        if (queue := amount(row, "queue")) is not None and queue >= least
    ]
    if not queues:
        return None
    queue, row = max(queues, key=lambda one: one[0])
    support = [
        f"connections: {queue:.0f} connections wait on {row.get('port')} to be accepted",
        f"connections: the container's accept queues have overflowed {overflows:.0f} times",
    ]
    return _crowded(row), support


def _crowded(listener: Mapping[str, object]) -> Fact:
    """Return how many connections the full port has, and from where if most have one origin."""
    port = str(listener.get("port"))
    count = amount(listener, "connections") or 0
    for first in table(listener.get("prefixes"))[:1]:
        most = amount(first, "connections") or 0
        if most > count * _PLAINLY_ONE:
            prefix = str(first.get("prefix"))
            return fact("accept-queue-full", port=port, connections=most, prefix=prefix)
    return fact("accept-queue-full", port=port, connections=count)


def _syn_backlog(evidence: Evidence) -> Found:
    cookies = number(evidence, "connections", "container", "syncookies_grew") or 0
    if cookies <= 0:
        return None
    return fact("syn-flood"), [f"connections: {cookies:.0f} SYN cookies were sent during the look"]


def _server_said(evidence: Evidence) -> Found:
    """Take the newest trouble that the mail server's own log names, where it is about us."""
    us = text(evidence, "container", "seen_as") or text(evidence, "container", "gateway")
    for row in reversed(rows(evidence, "log", "server", "said")):
        given = row.get("arguments")
        known = given if isinstance(given, Mapping) else {}
        if row.get("of_us") is True and known.get("address") not in us.split(" or "):
            continue
        named = {str(name): str(found) for name, found in known.items()}
        return fact(str(row.get("code")), **named), [f"log: {row.get('line')}"]
    return None


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
    return fact(BAN, seen_as=us), [
        f"readings: {len(dropped)} of {len(ports)} ports that fail drop the connection",
        "connections: every port listens inside the container",
    ]


# --- the host -----------------------------------------------------------------------------


def _stalled(evidence: Evidence) -> Found:
    for what in ("memory", "io"):
        share = number(evidence, "host", "pressure", what, "full_10s_percent") or 0
        if share >= STALLED_PERCENT:
            support = f"host.pressure.{what} is {share:.1f} % (full, 10 s)"
            return fact("stalled", disks=what == "io", percent=share), [support]
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
    return fact("slow-dns", service=service, took_s=seconds), [
        f"readings: {service} spent {seconds:.1f} s on resolving" for seconds, service in slow[:5]
    ]


def _tls_times_out(evidence: Evidence) -> Found:
    failed = _failed(evidence)
    if not failed or any((r.get("fault"), _last_phase(r)) != ("timeout", "tls") for r in failed):
        return None
    return fact("tls-times-out", services=tuple(str(row.get("service")) for row in failed)), [
        f"readings: {row.get('service')} connected in {_phase(row, 'connect'):.3f} s, and then: "
        f"{row.get('detail')}"
        for row in failed[:5]
    ]


PATTERNS: Mapping[str, Callable[[Evidence], Found]] = {
    "out-of-memory": _out_of_memory,
    "disk-full": _disk_full,
    "docker-hung": _docker_hung,
    "not-running": _not_running,
    "stopped-processes": partial(_by_state, "T", "stopped-processes"),
    "stuck-processes": partial(_by_state, "D", "stuck-processes"),
    "no-process-left": partial(_used_up, "cgroup", "pids", 1.0, "no-process-left"),
    "accept-queue-full": _accept_queue_full,
    "nothing-listens": _nothing_listens,
    "syn-flood": _syn_backlog,
    "conntrack-full": partial(_used_up, "host", "conntrack", NEARLY, "conntrack-full"),
    "no-descriptors": partial(_used_up, "host", "files", NEARLY, "no-descriptors"),
    "server-said": _server_said,
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
    return (amount(phases, phase) or 0.0) if isinstance(phases, Mapping) else 0.0


def _last_phase(row: Mapping[str, object]) -> str:
    phases = row.get("phases")
    return str(list(phases)[-1]) if isinstance(phases, Mapping) and phases else ""
