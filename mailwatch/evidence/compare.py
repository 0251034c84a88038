"""The numbers of one look, or of two side by side, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailwatch.core.evidence import Evidence, number, rows, text, value
from mailwatch.core.text import duration, printable, size

Row = tuple[str, str, str]
"""What it is, how it was before, how it was after; empty where it was not seen."""

_FEW = 8


def side_by_side(before: Evidence, after: Evidence) -> list[Row]:
    """Return the rows that at least one of the two looks has something for."""
    table: dict[str, list[str]] = {}
    for place, evidence in enumerate((before, after)):
        for label, words in _facts(evidence):
            table.setdefault(label, ["", ""])[place] = words
    return [(label, one, two) for label, (one, two) in table.items() if one or two]


def _facts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    for label, fact in _FACTS.items():
        yield label, fact(evidence)
    for row in _worth_showing(evidence):
        queue, count = row.get("queue"), row.get("connections")
        yield f"port {row.get('port')}", f"{count} connections, {queue} not accepted"
    for row in rows(evidence, "disk", "file_systems"):
        free, total = row.get("free_bytes"), row.get("size_bytes")
        if isinstance(free, int | float) and isinstance(total, int | float):
            yield f"disk {row.get('path')}", f"{size(free)} of {size(total)} free"
    for row in rows(evidence, "readings", "now"):
        yield f"check {printable(str(row.get('service')), 80)}", _reading(row)


def _worth_showing(evidence: Evidence) -> list[Mapping[str, object]]:
    """Return the watched ports, and others that have connections, the busiest first."""
    watched = {row.get("port") for row in rows(evidence, "connections", "watched")}
    found = [
        row
        for row in rows(evidence, "connections", "container", "listeners")
        if row.get("port") in watched or row.get("connections") or row.get("queue")
    ]
    return sorted(found, key=lambda row: -_count(row.get("connections")))[:_FEW]


def _count(found: object) -> float:
    return found if isinstance(found, int | float) else 0


def _reading(row: Mapping[str, object]) -> str:
    phases = row.get("phases")
    seconds = phases.values() if isinstance(phases, Mapping) else ()
    if row.get("verdict") == "pass":
        return f"answers in {duration(sum(map(_count, seconds)))}"
    return printable(f"{row.get('fault') or row.get('verdict')}: {row.get('detail')}", 120)


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


def _started(evidence: Evidence) -> str:
    moment = text(evidence, "container", "started")
    return moment.partition(".")[0].replace("T", " ") + " UTC" if moment else ""


def _unless_none(collector: str, name: str) -> Callable[[Evidence], str]:
    """Return what shows a count of things that are worth a row only if there are any."""

    def fact(evidence: Evidence) -> str:
        count = number(evidence, collector, name)
        return f"{count:.0f}" if count else ""

    return fact


def _container_memory(evidence: Evidence) -> str:
    used = number(evidence, "cgroup", "memory_bytes")
    most = number(evidence, "cgroup", "memory_limit_bytes")
    if used is None:
        return ""
    return f"{size(used)} of {size(most)}" if most else f"{size(used)}, no limit"


def _processes(evidence: Evidence) -> str:
    count = number(evidence, "processes", "count")
    if count is None:
        return ""
    table = rows(evidence, "processes", "table")
    stopped = sum(str(row.get("state", "")).startswith("T") for row in table)
    stuck = sum(row.get("stuck") is True for row in table)
    marks = [f"{stopped} stopped"] * bool(stopped) + [f"{stuck} stuck"] * bool(stuck)
    return ", ".join([f"{count:.0f}", *marks])


def _overflows(evidence: Evidence) -> str:
    count = number(evidence, "connections", "container", "listen_overflows")
    if count is None:
        return ""
    grew = number(evidence, "connections", "container", "listen_overflows_grew") or 0
    return f"{count:.0f}" + (f", {grew:.0f} more in a second" if grew else "")


def _deaf(evidence: Evidence) -> str:
    watched = rows(evidence, "connections", "watched")
    return ", ".join(str(row.get("port")) for row in watched if row.get("listens") is False)


def _origins(evidence: Evidence) -> str:
    found = rows(evidence, "connections", "container", "prefixes")[:3]
    return ", ".join(f"{row.get('prefix')} ({row.get('connections')})" for row in found)


def _load(evidence: Evidence) -> str:
    found = value(evidence, "host", "load")
    return " ".join(map(str, found)) if isinstance(found, list) else ""


def _pressure(evidence: Evidence) -> str:
    shares = {
        what: number(evidence, "host", "pressure", what, "some_10s_percent")
        for what in ("cpu", "memory", "io")
    }
    return ", ".join(f"{what} {share:.0f} %" for what, share in shares.items() if share is not None)


def _memory(evidence: Evidence) -> str:
    free = number(evidence, "host", "memory", "available_bytes")
    total = number(evidence, "host", "memory", "total_bytes")
    return "" if free is None or total is None else f"{size(free)} of {size(total)} available"


def _of(name: str) -> Callable[[Evidence], str]:
    def fact(evidence: Evidence) -> str:
        used, most = number(evidence, "host", name), number(evidence, "host", f"{name}_limit")
        if used is None or not most:
            return ""
        return f"{used:.0f} of {most:.0f}" if most < 1e12 else f"{used:.0f}"

    return fact


def _clock(evidence: Evidence) -> str:
    found = value(evidence, "clock", "synchronised")
    return "" if found is None else "synchronised" if found is True else "not synchronised"


_FACTS: Mapping[str, Callable[[Evidence], str]] = {
    "container": _container,
    "started": _started,
    "restarted by Docker": _unless_none("container", "restarts"),
    "container memory": _container_memory,
    "killed for memory": _unless_none("cgroup", "oom_kills"),
    "processes": _processes,
    "nothing listens on": _deaf,
    "queue overflows": _overflows,
    "most connections from": _origins,
    "host load": _load,
    "host stalls (10 s)": _pressure,
    "host memory": _memory,
    "tracked connections": _of("conntrack"),
    "open files": _of("files"),
    "clock": _clock,
}
