"""What the evidence says about why mail is down: one table of named patterns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mailwatch.core.causes import BAN, line
from mailwatch.core.evidence import EVERYTHING, Evidence, amount, number, rows, text, value
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.say import say
from mailwatch.core.text import printable
from mailwatch.evidence import crowds, ways, words
from mailwatch.evidence.pattern import NEARLY, Found, deaf, failed, failed_on, port_of, runs

FULL_FREE_BYTES = 1024 * 1024
FULL_FREE_SHARE = 0.005
SLOW_DNS_S = 1.0
STALLED_PERCENT = 40.0
_KILLED = 137


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
    fitting = list(filter(None, (pattern(evidence) for pattern in PATTERNS.values())))
    if not fitting and (quoted := words.only(evidence)):
        fitting = [quoted]
    return tuple(Cause(cause, tuple(map(printable, support))) for cause, support in fitting)


def likely(evidence: Evidence) -> Fact:
    """Return the most telling cause, NOTHING where none fits."""
    causes = find(evidence)
    return causes[0].fact if causes else NOTHING


# --- the container ------------------------------------------------------------------------


def _out_of_memory(evidence: Evidence) -> Found:
    limits = (number(evidence, who, "memory_limit_bytes") for who in ("container", "cgroup"))
    limit = next(filter(None, limits), None)
    # An engine may keep its flag over a later start: the kernel ends a process with SIGKILL.
    ended = not runs(evidence) and number(evidence, "container", "exit_code") in (None, _KILLED)
    if value(evidence, "container", "oom_killed") is True and ended:
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


def _read_only(evidence: Evidence) -> Found:
    for row in rows(evidence, "disk", "file_systems"):
        if row.get("read_only") is True:
            path = str(row.get("path"))
            return fact("read-only", path=path), [f"disk: {path} was made writable, and is not"]
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
    said = words.last(evidence)
    ended = fact("not-running", status=status, exit_code=code, words=said)
    return ended, [f"container.status is {status}", *([f"log: {said}"] if said else [])]


def _stopped(evidence: Evidence) -> Found:
    found = rows(evidence, "processes", "table")
    marked = [row for row in found if str(row.get("state", "")).startswith("T")]
    if not marked or value(evidence, "container", "paused") is True:
        return None
    support = [
        f"process {row.get('pid')} ({row.get('name')}) is in state {row.get('state')}"
        for row in marked[:5]
    ]
    told = fact("stopped-processes", marked=len(marked), count=len(found), names=_names(marked))
    return told, support


def _stuck(evidence: Evidence) -> Found:
    """Find what waits for a disk; in most servers only worker threads do, and the first is well."""
    if value(evidence, "container", "paused") is True:
        return None  # the freezer of cgroup v1 shows every process in state D
    found = rows(evidence, "processes", "table")
    marked = [row for row in found if row.get("stuck") is True]
    if not marked:
        return None
    threads = sum(amount(row, "threads") or 1 for row in marked)
    held = sum(amount(row, "threads_stuck") or 1 for row in marked)
    support = [_waiting(row) for row in marked[:5]]
    names = _names(marked)
    if all(str(row.get("state", "")).startswith("D") for row in marked):
        return fact("stuck-processes", marked=len(marked), count=len(found), names=names), support
    return fact("stuck-threads", marked=held, count=threads, names=names), support


def _names(found: list[Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(row.get("name", "?")) for row in found))


def _waiting(row: Mapping[str, object]) -> str:
    held, threads = amount(row, "threads_stuck") or 1, amount(row, "threads") or 1
    who = f"process {row.get('pid')} ({row.get('name')})"
    if threads > 1:
        return f"{held:.0f} of {threads:.0f} threads of {who} are in state D, and never ran"
    waits_in = row.get("waits_in")
    where = f" in {waits_in}" if waits_in not in (None, "", "-", "0") else ""
    return f"{who} is in state {row.get('state')}{where}"


def _used_up(who: str, what: str, nearly: float, code: str, evidence: Evidence) -> Found:
    used, most = number(evidence, who, what), number(evidence, who, f"{what}_limit")
    if used is None or not most or used < most * nearly:
        return None
    return fact(code, used=used, limit=most), [f"{who}.{what} is {used:.0f} of {most:.0f}"]


# --- its sockets --------------------------------------------------------------------------


def _nothing_listens(evidence: Evidence) -> Found:
    missing = deaf(evidence)
    if not missing:
        return None
    return fact("nothing-listens", ports=tuple(missing)), [
        f"connections: no socket of the container listens on {port}" for port in missing
    ]


def _syn_backlog(evidence: Evidence) -> Found:
    cookies = number(evidence, "connections", "container", "syncookies_grew") or 0
    if cookies <= 0:
        return None
    return fact("syn-flood"), [f"connections: {cookies:.0f} SYN cookies were sent during the look"]


def _ban(evidence: Evidence) -> Found:
    watched = rows(evidence, "connections", "watched")
    published = {row.get("published_as") for row in watched}
    failing = failed(evidence)
    ports = [row for row in failing if port_of(row) is not None]
    dropped = [row for row in ports if row.get("fault") == "dropped"]
    if not dropped or any(row.get("fault") not in ("dropped", "rejected") for row in ports):
        return None
    passed = [row for row in rows(evidence, "readings", "now") if row.get("verdict") == "pass"]
    if any(port_of(row) in published for row in passed):
        return None
    asked = [row for row in watched if failed_on(evidence, row.get("published_as"))]
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
    failing = failed(evidence)
    if not failing or any((r.get("fault"), _last_phase(r)) != ("timeout", "tls") for r in failing):
        return None
    return fact("tls-times-out", services=tuple(str(row.get("service")) for row in failing)), [
        f"readings: {row.get('service')} connected in {_phase(row, 'connect'):.3f} s, and then: "
        f"{row.get('detail')}"
        for row in failing[:5]
    ]


def _said_why(evidence: Evidence, *, beside_a_queue: bool = False) -> Found:
    """Return what the server says that no restart cures: after a full queue, before all else."""
    is_full = crowds.accept_queue_full(evidence) is not None
    return words.why(evidence) if is_full is beside_a_queue else None


def _full_disk(evidence: Evidence, *, said: bool = False) -> Found:
    """Return a full disk: first of all where the server says nothing, for it may hang for that."""
    return _disk_full(evidence) if (words.why(evidence) is not None) is said else None


def _full_queue(evidence: Evidence, *, of_a_crowd: bool = True) -> Found:
    """Return a full queue: before the server's words where its crowd comes from one place."""
    found = crowds.accept_queue_full(evidence)
    has_origin = found is not None and bool(found[0].get("prefix") or found[0].get("address"))
    return found if has_origin is of_a_crowd else None


PATTERNS: Mapping[str, Callable[[Evidence], Found]] = {
    "out-of-memory": _out_of_memory,
    "disk-full": _full_disk,
    "stopped-processes": _stopped,
    "stuck-processes": _stuck,
    "server-said-why": _said_why,
    "server-said-beside-a-full-disk": partial(_full_disk, said=True),
    "read-only": _read_only,
    "docker-hung": _docker_hung,
    "not-running": _not_running,
    "no-network": ways.no_network,
    "open-files-full": crowds.open_files_full,
    "no-process-left": partial(_used_up, "cgroup", "pids", 1.0, "no-process-left"),
    "accept-queue-full": _full_queue,
    "server-said": words.said,
    "server-said-before-a-queue": partial(_full_queue, of_a_crowd=False),
    "server-said-beside-a-queue": partial(_said_why, beside_a_queue=True),
    "ports-not-published": ways.other_ports,
    "nothing-listens": _nothing_listens,
    "syn-flood": _syn_backlog,
    "conntrack-full": partial(_used_up, "host", "conntrack", NEARLY, "conntrack-full"),
    "no-descriptors": partial(_used_up, "host", "files", NEARLY, "no-descriptors"),
    "ban": _ban,
    "slow-dns": _slow_dns,
    "stalled": _stalled,
    "tls-times-out": _tls_times_out,
    "server-said-too": partial(words.said, place=1),
    "server-said-in-passing": words.in_passing,
}
"""Every pattern by its name, the most telling first."""


def _phase(row: Mapping[str, object], phase: str) -> float:
    phases = row.get("phases")
    return (amount(phases, phase) or 0.0) if isinstance(phases, Mapping) else 0.0


def _last_phase(row: Mapping[str, object]) -> str:
    phases = row.get("phases")
    return str(list(phases)[-1]) if isinstance(phases, Mapping) and phases else ""
