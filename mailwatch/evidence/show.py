"""The evidence of an incident as lines of text for a tired person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mailwatch.core.evidence import GATHERED, Evidence, Json, number, rows, unreadable, value
from mailwatch.core.text import printable, utc
from mailwatch.evidence import causes
from mailwatch.evidence.compare import side_by_side
from mailwatch.evidence.keeping import findings

LOG_LINES = 12
_WIDEST = 56


def lines(
    evidence: Mapping[str, Mapping[str, Json] | None], clock_text: Callable[[float], str] = utc
) -> list[str]:
    """Return what keeping.load() has found, as lines without an end; each is printable."""
    before, after = findings(evidence.get("before")), findings(evidence.get("after"))
    if not before and not after:
        return ["No evidence was kept of this incident."]
    shown = [*_reasons(before), *_table(before, after, clock_text), *_processes(before)]
    return [printable(line, 400) for line in [*shown, *_log(before), *_unreadable(before, after)]]


def _reasons(before: Evidence) -> Iterator[str]:
    found = causes.find(before)
    if not found:
        yield "Nothing in the evidence says why."
    for cause in found:
        yield f"Likely: {cause.line}"
        yield from (f"    {fact}" for fact in cause.support)


def _table(before: Evidence, after: Evidence, clock_text: Callable[[float], str]) -> Iterator[str]:
    was, now = f"before ({_moment(before, clock_text)})", f"after ({_moment(after, clock_text)})"
    table = [("", was, now if after else ""), *side_by_side(before, after)]
    first = max(len(row[0]) for row in table)
    second = min(max(len(row[1]) for row in table), _WIDEST)
    yield ""
    for label, was, now in table:
        yield f"{label:<{first}}  {was:<{second}}  {now}".rstrip()


def _moment(evidence: Evidence, clock_text: Callable[[float], str]) -> str:
    at = number(evidence, GATHERED, "at")
    return "not seen" if at is None else clock_text(at)


def _processes(before: Evidence) -> Iterator[str]:
    marked = [
        row
        for row in rows(before, "processes", "table")
        if str(row.get("state", ""))[:1] in ("T", "Z") or row.get("stuck") is True
    ]
    if marked:
        yield ""
        yield "Processes that were stopped, stuck or dead:"
    for row in marked[:LOG_LINES]:
        yield f"    {row.get('pid')} {row.get('name')} {row.get('state')} {row.get('waits_in')}"


def _log(before: Evidence) -> Iterator[str]:
    kept = value(before, "log", "lines")
    if isinstance(kept, list) and kept:
        yield ""
        yield f"The container's log before it (the last {min(len(kept), LOG_LINES)} lines):"
        yield from (f"    {line}" for line in kept[-LOG_LINES:])


def _unreadable(before: Evidence, after: Evidence) -> Iterator[str]:
    if reasons := unreadable(after, before):
        yield ""
        yield "Not readable:"
    for name, what, why in reasons:
        yield f"    {name}: {what}, because {why}"
