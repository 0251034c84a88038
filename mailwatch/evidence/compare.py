"""The numbers of one look, or of two side by side, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailwatch.core.evidence import Evidence, amount, number, rows, text, value
from mailwatch.core.text import duration, printable, size

Row = tuple[str, str, str]
"""What it is, how it was before, how it was after; empty where it was not seen."""

_FEW = 8
_UNLIMITED = 1 << 62
"""The kernel's limit of open files where there is none is 2^63 - 1."""


def side_by_side(before: Evidence, after: Evidence) -> list[Row]:
    """Return the rows that at least one of the two looks has something for."""
    was, now = dict(_facts(before)), dict(_facts(after))
    table = [(label, was.get(label, ""), now.get(label, "")) for label in {**was, **now}]
    return [row for row in table if row[1] or row[2]]


def _facts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    def get(collector: str, *path: str) -> float | None:
        return number(evidence, collector, *path)

    yield "container", _container(evidence)
    started = text(evidence, "container", "started").partition(".")[0].replace("T", " ")
    yield "started", started and f"{started} UTC"
    yield "restarted by Docker", _whole(get("container", "restarts") or None)
    used, most = get("cgroup", "memory_bytes"), get("cgroup", "memory_limit_bytes")
    yield "container memory", _share(used, most, size, ", no limit")
    yield "killed for memory", _whole(get("cgroup", "oom_kills") or None)
    yield "processes", _processes(evidence)
    yield "fullest of open files", _fullest(evidence)
    watched = rows(evidence, "connections", "watched")
    deaf = [str(row.get("port")) for row in watched if row.get("listens") is False]
    yield "nothing listens on", ", ".join(deaf)
    grew = get("connections", "container", "listen_overflows_grew")
    more = f", {grew:.0f} more in a second" if grew else ""
    yield "queue overflows", _whole(get("connections", "container", "listen_overflows"), more)
    origins = rows(evidence, "connections", "container", "addresses")[:3]
    crowd = [f"{row.get('address')} ({row.get('connections')})" for row in origins]
    yield "most connections from", ", ".join(crowd)
    load = value(evidence, "host", "load")
    yield "host load", " ".join(map(str, load)) if isinstance(load, list) else ""
    shares = {
        one: get("host", "pressure", one, "some_10s_percent") for one in ("cpu", "memory", "io")
    }
    stalls = [f"{what} {share:.0f} %" for what, share in shares.items() if share is not None]
    yield "host stalls (10 s)", ", ".join(stalls)
    free, total = get("host", "memory", "available_bytes"), get("host", "memory", "total_bytes")
    memory = _share(free, total, size)
    yield "host memory", memory and f"{memory} available"
    yield "tracked connections", _share(get("host", "conntrack"), get("host", "conntrack_limit"))
    yield "open files", _share(get("host", "files"), get("host", "files_limit"))
    clock = value(evidence, "clock", "synchronised")
    yield "clock", "" if clock is None else "synchronised" if clock is True else "not synchronised"
    for row in _busy_ports(evidence):
        half = f", {row.get('half_open')} half open" if row.get("half_open") else ""
        told = f"{row.get('connections')} connections, {row.get('queue')} not accepted{half}"
        yield f"port {row.get('port')}", told
    for row in rows(evidence, "disk", "file_systems"):
        room = _share(amount(row, "free_bytes"), amount(row, "size_bytes"), size)
        closed = ", read-only" if row.get("read_only") is True else ""
        yield f"disk {row.get('path')}", room and f"{room} free{closed}"
    for row in rows(evidence, "readings", "now"):
        yield f"check {printable(str(row.get('service')), 80)}", _reading(row)


def _whole(count: float | None, more: str = "") -> str:
    return "" if count is None else f"{count:.0f}{more}"


def _share(
    part: float | None,
    whole: float | None,
    show: Callable[[float], str] = _whole,
    unlimited: str = "",
) -> str:
    """Return `3 of 5`, `3` and `unlimited` without a limit, and nothing where nothing is known."""
    if part is None:
        return ""
    return (
        f"{show(part)} of {show(whole)}" if whole and whole < _UNLIMITED else show(part) + unlimited
    )


def _container(evidence: Evidence) -> str:
    status = text(evidence, "container", "status")
    if not status:
        return text(evidence, "container", "engine") and "not known"
    words = [status]
    if value(evidence, "container", "oom_killed") is True:
        words.append("killed for lack of memory")
    if status == "exited":
        words.append(f"exit code {number(evidence, 'container', 'exit_code') or 0:.0f}")
    if health := text(evidence, "container", "health", "status"):
        words.append(f"health {health}")
    return ", ".join(words)


def _processes(evidence: Evidence) -> str:
    table = rows(evidence, "processes", "table")
    stopped = sum(str(row.get("state", "")).startswith("T") for row in table)
    stuck = sum(row.get("stuck") is True for row in table)
    held = sum(amount(row, "threads_stuck") or 0 for row in table)
    marks = [f", {stopped} stopped"] * bool(stopped) + [f", {stuck} stuck"] * bool(stuck)
    marks += [f" ({held:.0f} threads)"] * (held > stuck)
    return _whole(number(evidence, "processes", "count"), "".join(marks))


def _fullest(evidence: Evidence) -> str:
    """Return the process that is nearest to its limit of open files."""
    known = [
        (used / limit, row)
        for row in rows(evidence, "processes", "table")
        if (used := amount(row, "open_files")) is not None
        and (limit := amount(row, "open_files_limit"))
    ]
    if not known:
        return ""
    _, row = max(known, key=lambda one: one[0])
    share = _share(amount(row, "open_files"), amount(row, "open_files_limit"))
    return f"{printable(str(row.get('name')), 32)} {share}"


def _busy_ports(evidence: Evidence) -> list[Mapping[str, object]]:
    """Return the watched ports, and others that have connections, the busiest first."""
    watched = {row.get("port") for row in rows(evidence, "connections", "watched")}
    found = [
        row
        for row in rows(evidence, "connections", "container", "listeners")
        if row.get("port") in watched or row.get("connections") or row.get("queue")
    ]
    return sorted(found, key=lambda row: -(amount(row, "connections") or 0))[:_FEW]


def _reading(row: Mapping[str, object]) -> str:
    phases = row.get("phases")
    if row.get("verdict") == "pass":
        spent = phases if isinstance(phases, Mapping) else {}
        return f"answers in {duration(sum(amount(spent, phase) or 0 for phase in spent))}"
    return printable(f"{row.get('fault') or row.get('verdict')}: {row.get('detail')}", 120)
