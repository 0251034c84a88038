"""One incident as a timeline for a tired person, and as JSON for a program."""

from __future__ import annotations

from mailwatch.cli.times import stamp
from mailwatch.core import causes
from mailwatch.core.facts import fact
from mailwatch.core.say import say
from mailwatch.core.state import Attempt, Failure, Incident, Outcome
from mailwatch.core.text import duration
from mailwatch.core.wording import why
from mailwatch.host.clocks import clock_text

_OUTCOMES = {
    Outcome.PENDING: "whether it happened is not known yet",
    Outcome.RESTARTED: "restarted; whether it helped is not known yet",
    Outcome.RECOVERED: "it helped",
    Outcome.FAILED: "it did not help",
    Outcome.INTERRUPTED: "cut short",
}


def story(incident: Incident) -> list[str]:
    """Return the timeline of `incident`, one event a line."""
    since, closed = incident.since.wall, incident.closed
    lasted = f"lasted {duration(max(0.0, closed.wall - since))}" if closed else "still open"
    cause = causes.line(incident.cause) or "unknown"
    lines = [f"Incident {incident.id}, {lasted}", f"Cause: {cause}", ""]
    events = [(since, 0, "the first check that failed"), *_told(incident), *_restarts(incident)]
    if closed:
        events.append((closed.wall, 9, "all services answer again"))
    for at, _rank, what in sorted(events):
        lines.append(f"{clock_text(at)}  +{duration(max(0.0, at - since)):<12}  {what}")
    lines += ["", "What failed first:", *_failures(incident.first_failures)]
    if not closed and incident.failures != incident.first_failures:
        lines += ["", "What fails now:", *_failures(incident.failures)]
    if incident.target:
        lines += ["", f"The target: {say(incident.target)}"]
    hold = incident.hold
    if hold and (not hold.target or hold.target != incident.target):
        lines += ["", say(fact("why-not-restarted", why=why(hold), seen_as=hold.seen_as))]
    return lines


def _told(incident: Incident) -> list[tuple[float, int, str]]:
    events = [(incident.opened.wall, 1, "incident opened, and the admin told")]
    if incident.escalated:
        events.append((incident.escalated.wall, 4, "a person was called"))
    if incident.reminded:
        events.append((incident.reminded.wall, 5, "the last reminder"))
    return events


def _restarts(incident: Incident) -> list[tuple[float, int, str]]:
    events = []
    for attempt in incident.attempts:
        events.append((attempt.begun.wall, 2, f"restart {attempt.number} of the target"))
        if attempt.ended:
            outcome = say(attempt.detail) or _OUTCOMES[attempt.outcome]
            events.append((attempt.ended.wall, 3, f"restart {attempt.number}: {outcome}"))
    return events


def _failures(failures: tuple[Failure, ...]) -> list[str]:
    return [f"- {f.service}: {say(f.detail)} ({f.fault})" for f in failures]


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
