"""One incident as a part of the page: its cause, its turns, what was seen."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping

from mailwatch.core.causes import line
from mailwatch.core.evidence import Evidence, Json, unreadable, value
from mailwatch.core.say import ClockText, say
from mailwatch.core.state import Incident, Outcome
from mailwatch.core.text import duration, printable
from mailwatch.core.timeline import turns
from mailwatch.evidence import causes
from mailwatch.evidence.compare import side_by_side
from mailwatch.evidence.keeping import MOMENTS, findings

LOG_LINES = 60
_DATE = len("2026-11-22")


def story(
    incident: Incident,
    evidence: Mapping[str, Mapping[str, Json] | None],
    clock_text: ClockText,
    *,
    is_open: bool = False,
) -> str:
    """Return the incident as one block of HTML, all text of which is escaped."""
    before, again, after = (findings(evidence.get(moment)) for moment in MOMENTS)
    lasted_s = incident.lasted_s
    lasted = "still open" if lasted_s is None else f"lasted {duration(lasted_s)}"
    cause = line(incident.cause or causes.likely(again or before)) or "cause unknown"
    parts = [
        f'<details class="card"{" open" if is_open else ""}><summary>'
        f'<span class="when">{_text(clock_text(incident.since.wall))}, {lasted}:</span> '
        f'<span class="cause">{_text(cause)}</span> '
        f'<span class="when">{_text(_done(incident))}</span></summary>',
        _table(_turns(incident, clock_text)),
        *_supports(again or before),
        *_compared(before, after),
        *_log(before),
        *_unreadable(before, after),
        f'<p class="quiet">Incident {_text(incident.id)}</p></details>',
    ]
    return "\n".join(parts)


def _done(incident: Incident) -> str:
    """Return what was done about it."""
    count = len(incident.attempts)
    parts = [f"{count} restart{'s' * (count != 1)}" if count else "nothing was restarted"]
    if count and incident.attempts[-1].outcome is Outcome.RECOVERED:
        parts[0] += ", which helped" if count == 1 else ", the last of which helped"
    if incident.escalated is not None:
        parts.append("a person was called")
    return f"({'; '.join(parts)})"


def _text(words: object) -> str:
    return html.escape(printable(str(words), 500))


def _table(rows: Iterable[tuple[str, ...]], head: str = "", kind: str = "") -> str:
    """Return `rows` as a table; the first cell of each is its heading."""
    shown = [
        f"<tr><th>{_text(first)}</th>{''.join(f'<td>{_text(cell)}</td>' for cell in cells)}</tr>"
        for first, *cells in rows
    ]
    opening = f'<table class="{kind}">' if kind else "<table>"
    return "\n".join([f"{opening}{head}<tbody>", *shown, "</tbody></table>"])


def _turns(incident: Incident, clock_text: ClockText) -> Iterator[tuple[str, str]]:
    since = incident.since.wall
    day = clock_text(since)[:_DATE]
    for at, turn in turns(incident):
        when = clock_text(at)
        shown = when[_DATE:].strip() if when.startswith(day) else when
        yield f"{shown} (+{duration(max(0.0, at - since))})", say(turn, clock_text)


def _supports(before: Evidence) -> Iterator[str]:
    if found := causes.find(before):
        yield "<h4>What the evidence says</h4><ul>"
        for cause in found:
            facts = "; ".join(cause.support)
            yield f'<li>{_text(cause.line)} <span class="quiet">({_text(facts)})</span></li>'
        yield "</ul>"


def _compared(before: Evidence, after: Evidence) -> Iterator[str]:
    if rows := side_by_side(before, after):
        yield "<h4>Before and after</h4>"
        head = "<thead><tr><th></th><th>before</th><th>after</th></tr></thead>"
        yield _table(rows, head, "pair")


def _log(before: Evidence) -> Iterator[str]:
    kept = value(before, "log", "lines")
    if isinstance(kept, list) and kept:
        shown = "\n".join(_text(line) for line in kept[-LOG_LINES:])
        yield "<details><summary>The mail server's log before it</summary>"
        yield f"<pre>{shown}</pre></details>"


def _unreadable(before: Evidence, after: Evidence) -> Iterator[str]:
    if reasons := unreadable(after, before):
        yield "<details><summary>What could not be read</summary><ul>"
        for what, why in reasons:
            yield f"<li>{_text(what)}: {_text(why)}</li>"
        yield "</ul></details>"
