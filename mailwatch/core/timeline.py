"""What happened in one incident and when, for whoever reads it afterwards."""

from __future__ import annotations

from mailwatch.core.facts import Fact, fact
from mailwatch.core.observation import alike
from mailwatch.core.state import Attempt, Incident


def turns(incident: Incident) -> list[tuple[float, Fact]]:
    """Return each turn of `incident` with its moment (seconds since 1970), in their order."""
    since = incident.since.wall
    found = [
        (since, fact("turn-fails", services=services, detail=one.detail, fault=one.fault))
        for services, one in alike(incident.first_failures)
    ]
    told = incident.opened_told or incident.held_told or incident.escalated is not None
    found.append((incident.opened.wall, fact("turn-opened", told=told)))
    for attempt in incident.attempts:
        found.append((attempt.begun.wall, fact("turn-restart", number=attempt.number)))
        if attempt.ended is not None:
            found.append((attempt.ended.wall, _ended(attempt)))
    for code, at in (
        ("turn-escalated", incident.escalated),
        ("turn-reminded", incident.reminded),
    ):
        if at is not None:
            found.append((at.wall, fact(code)))
    if incident.closed is not None:
        found.append((incident.closed.wall, fact("turn-closed", unwatched=incident.unwatched)))
    return sorted(found, key=lambda turn: turn[0])


def _ended(attempt: Attempt) -> Fact:
    result = attempt.detail or fact(f"restart-{attempt.outcome}")
    return fact("turn-restart-ended", number=attempt.number, result=result)
