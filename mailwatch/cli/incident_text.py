"""One incident as a timeline for a tired person, and as JSON for a program."""

from __future__ import annotations

from mailwatch.cli.times import stamp
from mailwatch.core import causes
from mailwatch.core.facts import fact
from mailwatch.core.say import say
from mailwatch.core.state import Attempt, Failure, Incident
from mailwatch.core.text import duration
from mailwatch.core.timeline import turns
from mailwatch.core.wording import why
from mailwatch.host.clocks import clock_text


def story(incident: Incident) -> list[str]:
    """Return the timeline of `incident`, one event a line."""
    since, closed = incident.since.wall, incident.closed
    lasted = f"lasted {duration(max(0.0, closed.wall - since))}" if closed else "still open"
    cause = causes.line(incident.cause) or "unknown"
    lines = [f"Incident {incident.id}, {lasted}", f"Cause: {cause}", ""]
    for at, what in turns(incident):
        lines.append(f"{clock_text(at)}  +{duration(max(0.0, at - since)):<12}  {say(what)}")
    if not closed and incident.failures != incident.first_failures:
        lines += ["", "What fails now:"]
        lines += [f"- {f.service}: {say(f.detail)} ({f.fault})" for f in incident.failures]
    if incident.target:
        lines += ["", f"The target: {say(incident.target)}"]
    hold = incident.hold
    if hold and (not hold.target or hold.target != incident.target):
        lines += ["", say(fact("why-not-restarted", why=why(hold), seen_as=hold.seen_as))]
    return lines


def as_json(incident: Incident) -> dict[str, object]:
    """Return `incident` as JSON knows it; moments are RFC 3339 in UTC, or null."""
    closed = incident.closed
    return {
        "id": incident.id,
        "since": stamp(incident.since.wall),
        "opened": stamp(incident.opened.wall),
        "escalated": stamp(incident.escalated.wall) if incident.escalated else None,
        "closed": stamp(closed.wall) if closed else None,
        "seconds": round(max(0.0, closed.wall - incident.since.wall), 3) if closed else None,
        "cause": causes.line(incident.cause) or "unknown",
        "target": say(incident.target),
        "hold": incident.hold.reason if incident.hold else None,
        "failures": [_failure(failure) for failure in incident.failures],
        "first_failures": [_failure(failure) for failure in incident.first_failures],
        "restarts": [_attempt(attempt) for attempt in incident.attempts],
    }


def _failure(failure: Failure) -> dict[str, object]:
    return {"service": failure.service, "fault": failure.fault, "detail": say(failure.detail)}


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "begun": stamp(attempt.begun.wall),
        "ended": stamp(attempt.ended.wall) if attempt.ended else None,
        "outcome": attempt.outcome,
        "detail": say(attempt.detail),
    }
