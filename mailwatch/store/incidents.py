"""Incidents and their attempts, as rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row

from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Mask, Now
from mailwatch.core.say import say
from mailwatch.core.state import Attempt, Failure, Hold, Incident, Outcome, Reason
from mailwatch.store.moments import maybe, moment, pair


def write(connection: Connection, incident: Incident) -> None:
    """Add `incident` with its attempts, or replace what was written of it before."""
    connection.execute(
        """
        INSERT INTO incidents (
            id, since_steady, since_wall, opened_steady, opened_wall,
            failures, first_failures, target, cause,
            hold_reason, hold_target, hold_until, hold_seen_as, hold_services,
            held_told, opened_told, escalated_steady, escalated_wall,
            reminded_steady, reminded_wall, closed_steady, closed_wall
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            since_steady = excluded.since_steady, since_wall = excluded.since_wall,
            opened_steady = excluded.opened_steady, opened_wall = excluded.opened_wall,
            failures = excluded.failures, first_failures = excluded.first_failures,
            target = excluded.target, cause = excluded.cause,
            hold_reason = excluded.hold_reason, hold_target = excluded.hold_target,
            hold_until = excluded.hold_until, hold_seen_as = excluded.hold_seen_as,
            hold_services = excluded.hold_services,
            held_told = excluded.held_told, opened_told = excluded.opened_told,
            escalated_steady = excluded.escalated_steady,
            escalated_wall = excluded.escalated_wall,
            reminded_steady = excluded.reminded_steady, reminded_wall = excluded.reminded_wall,
            closed_steady = excluded.closed_steady, closed_wall = excluded.closed_wall
        """,
        (
            incident.id,
            *pair(incident.since),
            *pair(incident.opened),
            _dump(incident.failures),
            _dump(incident.first_failures),
            say(incident.target),
            incident.cause,
            *_hold_columns(incident.hold),
            incident.held_told,
            incident.opened_told,
            *pair(incident.escalated),
            *pair(incident.reminded),
            *pair(incident.closed),
        ),
    )
    connection.execute(
        "DELETE FROM attempts WHERE incident = ? AND number > ?",
        (incident.id, len(incident.attempts)),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                incident.id,
                attempt.number,
                *pair(attempt.begun),
                attempt.started_at,
                attempt.outcome.value,
                say(attempt.detail),
                *pair(attempt.ended),
            )
            for attempt in incident.attempts
        ],
    )


def read(connection: Connection, identifier: str) -> Incident | None:
    """Return the incident of that id; raises ValueError where its row makes no sense."""
    row = connection.execute("SELECT * FROM incidents WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else _incident(connection, row)


def newest(connection: Connection, limit: int) -> list[Incident]:
    """Return the last `limit` incidents (>= 0), the newest first."""
    rows = connection.execute("SELECT * FROM incidents ORDER BY number DESC LIMIT ?", (limit,))
    return [_incident(connection, row) for row in rows.fetchall()]


def ids_from(connection: Connection, prefix: str, limit: int) -> list[str]:
    """Return the ids that begin with `prefix`, the newest first, at most `limit`."""
    rows = connection.execute(
        """
        SELECT id FROM incidents WHERE substr(id, 1, length(:prefix)) = :prefix
        ORDER BY number DESC LIMIT :limit
        """,
        {"prefix": prefix, "limit": limit},
    )
    return [row["id"] for row in rows]


def close_others(connection: Connection, incident: Incident | None, now: Now) -> None:
    """Close every incident but `incident`: at most one is open, and the rest were lost sight of."""
    connection.execute(
        """
        UPDATE incidents SET closed_steady = ?, closed_wall = ?
        WHERE closed_wall IS NULL AND id <> ?
        """,
        (now.steady, now.wall, "" if incident is None else incident.id),
    )


def _incident(connection: Connection, row: Row) -> Incident:
    attempts = connection.execute(
        "SELECT * FROM attempts WHERE incident = ? ORDER BY number", (row["id"],)
    )
    return Incident(
        id=row["id"],
        since=moment(row, "since"),
        opened=moment(row, "opened"),
        failures=_load(row["failures"]),
        first_failures=_load(row["first_failures"]),
        target=words(row["target"]),
        cause=row["cause"],
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        hold=_hold(row),
        held_told=bool(row["held_told"]),
        opened_told=bool(row["opened_told"]),
        escalated=maybe(row, "escalated"),
        reminded=maybe(row, "reminded"),
        closed=maybe(row, "closed"),
    )


def _hold_columns(hold: Hold | None) -> tuple[object, ...]:
    if hold is None:
        return (None,) * 5
    services = json.dumps(hold.services)
    return hold.reason.value, say(hold.target), hold.until, hold.seen_as, services


def _hold(row: Row) -> Hold | None:
    if row["hold_reason"] is None:
        return None
    return Hold(
        Reason(row["hold_reason"]),
        words(row["hold_target"]),
        row["hold_until"],
        row["hold_seen_as"],
        tuple(json.loads(row["hold_services"])),
    )


def _attempt(row: Row) -> Attempt:
    return Attempt(
        number=row["number"],
        begun=moment(row, "begun"),
        started_at=row["started_at"],
        outcome=Outcome(row["outcome"]),
        detail=words(row["detail"]),
        ended=maybe(row, "ended"),
    )


def _dump(failures: Sequence[Failure]) -> str:
    return json.dumps([[f.service, f.fault.value, say(f.detail), f.mask] for f in failures])


def _load(text: str) -> tuple[Failure, ...]:
    return tuple(
        Failure(service, Fault(fault), words(detail), None if mask is None else Mask(mask))
        for service, fault, detail, mask in json.loads(text)
    )
