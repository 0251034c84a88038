"""Writes the one page: everything on it is text, drawings and style, and nothing is loaded."""

from __future__ import annotations

import html

from mailwatch import __version__
from mailwatch.core.model import Phase
from mailwatch.core.say import ClockText
from mailwatch.core.text import duration
from mailwatch.report import figures
from mailwatch.report.material import DAY_S, Material, availability
from mailwatch.report.story import story
from mailwatch.report.style import CSS

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<main>
"""

_NAMES = {Phase.TLS: "TLS"}


def write(material: Material, clock_text: ClockText) -> str:
    """Return the page; raises ImportError where matplotlib is missing.

    `clock_text` turns seconds since 1970 into local time. All text is escaped.
    """
    host = html.escape(material.host)
    since, until = (html.escape(clock_text(at)) for at in (material.since, material.until))
    parts = (
        _HEAD.format(title=f"Mail on {host}", css=CSS),
        f"<h1>Mail on {host}</h1>",
        f'<p class="quiet">{since} to {until}, written by mailwatch {__version__}</p>',
        _headline(material, clock_text),
        _tiles(material),
        _incidents_line(material),
        _services(material),
        *_stories(material, clock_text),
        "</main>\n</body>\n</html>\n",
    )
    return "\n".join(parts)


def _headline(material: Material, clock_text: ClockText) -> str:
    """Say first what a tired person asks first."""
    if not material.incidents:
        known = bool(material.services)
        words = "Mail was up all the time." if known else "Nothing was looked at yet."
        return f'<p class="say {"good" if known else ""}">{words}</p>'
    newest = material.incidents[0]
    at = newest.since.wall if newest.closed is None else newest.closed.wall
    moment = html.escape(clock_text(at))
    if newest.closed is None:
        return f'<p class="say bad">An incident is open since {moment}.</p>'
    return f'<p class="say good">No incident has been open since {moment}.</p>'


def _tiles(material: Material) -> str:
    restarts = sum(len(one.attempts) for one in material.incidents)
    called = sum(one.escalated is not None for one in material.incidents)
    spans = [span for of_one in material.services.values() for span in of_one]
    tiles = (
        (_percent(availability(spans)), "of the time, the services answered"),
        (str(len(material.incidents)), "incident" + "s" * (len(material.incidents) != 1)),
        (duration(round(material.down_s)), "with an incident open"),
        (str(restarts), "restart" + "s" * (restarts != 1)),
        (str(called), "call" + "s" * (called != 1) + " for a person"),
    )
    shown = [f'<div class="tile"><b>{one}</b><span>{words}</span></div>' for one, words in tiles]
    return f'<div class="tiles">{"".join(shown)}</div>'


def _incidents_line(material: Material) -> str:
    if not material.incidents:
        return '<h2>Incidents</h2><div class="card">No incident in this time.</div>'
    title = "Incidents on a time line"
    narrow = _figure(figures.time_line(material), title)
    wide = _figure(figures.time_line(material, figures.WIDE_IN), title)
    return (
        f'<h2>{title}</h2><div class="card"><figure>'
        f'<div class="narrow">{narrow}</div><div class="wide">{wide}</div>'
        "<figcaption>A bar is an incident: red where a person was called or it is still open. "
        "A triangle is a restart.</figcaption></figure></div>"
    )


def _services(material: Material) -> str:
    if not material.services:
        return '<h2>Services</h2><div class="card">No check was recorded in this time.</div>'
    drawn = {phase for spans in material.services.values() for s in spans for phase in s.phases}
    legend = "".join(
        f'<li><i style="background:var(--{phase})"></i>{_NAMES.get(phase, phase)}</li>'
        for phase in Phase
        if phase in drawn
    )
    cards = "".join(_service(key, material) for key in material.services)
    return f'<h2>Services</h2><ul class="key">{legend}</ul><div class="grid">{cards}</div>'


def _service(key: str, material: Material) -> str:
    name, spans = html.escape(key), material.services[key]
    share = availability(spans)
    rank = "" if share is None else figures.rank(share)
    slowest = max((span.slowest_s for span in spans if span.slowest_s), default=None)
    slow = ""
    if slowest is not None:
        took = duration(slowest) if slowest >= 1 else f"{1000 * slowest:.0f} ms"
        slow = f"; the slowest check that passed took {took}"
    span = "day" if material.span_s == DAY_S else "hour"
    return (
        f'<section class="card"><div class="head"><h3>{name}</h3>'
        f'<b class="{rank}">{_percent(share)}</b></div>'
        f"<figure>{_figure(figures.availability(key, material), f'Availability of {name}')}"
        f"<figcaption>How much of each {span} it answered</figcaption></figure>"
        f"<figure>{_figure(figures.latency(key, material), f'Latency of {name}')}"
        f"<figcaption>Mean time of a check by phase{slow}</figcaption></figure></section>"
    )


def _figure(svg: str, label: str) -> str:
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _stories(material: Material, clock_text: ClockText) -> list[str]:
    if not material.incidents:
        return []
    newest = material.incidents[0].id
    stories = (
        story(one, material.evidence.get(one.id, {}), clock_text, is_open=one.id == newest)
        for one in material.incidents
    )
    return ["<h2>What happened</h2>", *stories]


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    # 99.999 % is not all: only what never failed is 100 %.
    words = f"{min(100 * share, 99.99):.2f}" if share < 1 else "100"
    return f"{words} %"
