"""The evidence of an incident as lines of text for a tired person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mailwatch.core.causes import cure as cure_of
from mailwatch.core.causes import is_seen
from mailwatch.core.evidence import GATHERED, Evidence, Json, number, rows, unreadable, value
from mailwatch.core.say import say
from mailwatch.core.text import printable, utc
from mailwatch.evidence import causes
from mailwatch.evidence.compare import side_by_side
from mailwatch.evidence.keeping import MOMENTS, findings

LOG_LINES = 12
_WIDEST = 56


def lines(
    evidence: Mapping[str, Mapping[str, Json] | None], clock_text: Callable[[float], str] = utc
) -> list[str]:
    """Return what keeping.load() has found, as lines without an end; each is printable."""
    before, again, after = (findings(evidence.get(moment)) for moment in MOMENTS)
    if not before and not again and not after:
        return ["No evidence was kept of this incident."]
    shown = [
        *_newest(again, clock_text),
        *_reasons(before),
        *_table(before, after, clock_text),
        *_section("Processes that were stopped, stuck or dead:", _processes(before)[:LOG_LINES]),
        *_log("The container's log before it", before),
        *_section(
            "What could not be read:",
            [f"{what}: {why}" for what, why in unreadable(after, again, before)],
        ),
    ]
    return [printable(line, 400) for line in shown]


def _section(title: str, found: Sequence[object]) -> list[str]:
    """Return `found` below its title, nothing where there is none."""
    return ["", title, *(f"    {line}" for line in found)] if found else []


def _log(title: str, look: Evidence) -> list[str]:
    found = value(look, "log", "lines")
    written = found[-LOG_LINES:] if isinstance(found, list) else []
    return _section(f"{title} (the last {len(written)} lines):", written)


def _newest(again: Evidence, clock_text: Callable[[float], str]) -> Iterator[str]:
    """Yield what was seen when it failed still, which is what is true now."""
    if again:
        yield f"Once more, at {_moment(again, clock_text)}:"
        yield from _reasons(again)
        yield from _log("The container's log since the last restart", again)
        yield ""
        yield "As it began:"


def _reasons(before: Evidence) -> Iterator[str]:
    found = causes.find(before)
    if not found:
        yield "Nothing in the evidence says why."
    for cause in found:
        how = "Seen" if is_seen(cause.fact) else "Likely"
        yield f"{how}: {cause.line} ({cause.fact.code})"
        yield from (f"    {fact}" for fact in cause.support)
        if cure := say(cure_of(cause.fact)):
            yield f"    What to do: {cure}"


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


def _processes(before: Evidence) -> list[str]:
    return [
        f"{row.get('pid')} {row.get('name')} {row.get('state')} {row.get('waits_in')}"
        for row in rows(before, "processes", "table")
        if str(row.get("state", ""))[:1] in ("T", "Z") or row.get("stuck") is True
    ]
