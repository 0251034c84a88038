"""One incident as a part of the page: its cause, its turns, what was seen."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping

from mailwatch.core.causes import line
from mailwatch.core.evidence import Evidence, Json, unreadable, value
from mailwatch.core.say import say
from mailwatch.core.state import Incident
from mailwatch.core.text import duration, printable
from mailwatch.core.timeline import turns
from mailwatch.evidence import causes
from mailwatch.evidence.compare import side_by_side
from mailwatch.evidence.keeping import findings

ClockText = Callable[[float], str]
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
    before, after = findings(evidence.get("before")), findings(evidence.get("after"))
    lasted = "still open"
    if incident.closed:
        lasted = f"lasted {duration(max(0.0, incident.closed.wall - incident.since.wall))}"
    cause = line(incident.cause or causes.likely(before)) or "cause unknown"
    parts = [
        f'<details class="card"{" open" if is_open else ""}><summary>'
        f'<span class="when">{_text(clock_text(incident.since.wall))}, {lasted}:</span> '
        f'<span class="cause">{_text(cause)}</span></summary>',
        *_turns(incident, clock_text),
        *_supports(before),
        *_table(before, after),
        *_log(before),
        *_unreadable(before, after),
        f'<p class="quiet">Incident {_text(incident.id)}</p></details>',
    ]
    return "\n".join(parts)


def _text(words: object) -> str:
    return html.escape(printable(str(words), 500))


def _turns(incident: Incident, clock_text: ClockText) -> Iterator[str]:
    since = incident.since.wall
    day = clock_text(since)[:_DATE]
    yield "<table><tbody>"
    for at, what in turns(incident):
        when = clock_text(at)
        shown = when[_DATE:] if when.startswith(day) else when
        later = f"+{duration(max(0.0, at - since))}"
        yield f"<tr><th>{_text(shown.strip())} ({later})</th><td>{_text(say(what))}</td></tr>"
    yield "</tbody></table>"


def _supports(before: Evidence) -> Iterator[str]:
    if found := causes.find(before):
        yield "<h4>What the evidence says</h4><ul>"
        for cause in found:
            facts = "; ".join(cause.support)
            yield f'<li>{_text(cause.line)} <span class="quiet">({_text(facts)})</span></li>'
        yield "</ul>"


def _table(before: Evidence, after: Evidence) -> Iterator[str]:
    if table := side_by_side(before, after):
        yield "<h4>Before and after</h4><table><thead><tr><th></th><th>before</th><th>after</th>"
        yield "</tr></thead><tbody>"
        for label, was, now in table:
            yield f"<tr><th>{_text(label)}</th><td>{_text(was)}</td><td>{_text(now)}</td></tr>"
        yield "</tbody></table>"


def _log(before: Evidence) -> Iterator[str]:
    kept = value(before, "log", "lines")
    if isinstance(kept, list) and kept:
        shown = "\n".join(_text(line) for line in kept[-LOG_LINES:])
        yield "<details><summary>The container's log before it</summary>"
        yield f"<pre>{shown}</pre></details>"


def _unreadable(before: Evidence, after: Evidence) -> Iterator[str]:
    if reasons := unreadable(after, before):
        yield "<details><summary>What could not be read</summary><ul>"
        for name, what, why in reasons:
            yield f"<li>{_text(name)}, {_text(what)}: because {_text(why)}</li>"
        yield "</ul></details>"
