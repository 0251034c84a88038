"""What the incident machine remembers: its state, and each incident as a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.core.state import OPEN, Incident, State
from mailwatch.store import documents


def write(connection: Connection, incident: Incident) -> None:
    """Add `incident`, or replace what was written of it before."""
    closed = incident.closed and incident.closed.wall
    connection.execute(
        """
        INSERT INTO incidents (id, closed_wall, value) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET closed_wall = excluded.closed_wall, value = excluded.value
        """,
        (incident.id, closed, documents.dump(incident)),
    )


def newest(connection: Connection, limit: int) -> list[Incident]:
    """Return the last `limit` incidents (>= 0), the newest first.

    This and all that reads raises ValueError where a row makes no sense.
    """
    return _read(connection, "ORDER BY number DESC LIMIT ?", limit)


def beginning_with(connection: Connection, prefix: str, limit: int) -> list[Incident]:
    """Return at most `limit` whose ids begin with `prefix`: first its own, then the newest."""
    return _read(
        connection,
        "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, number DESC LIMIT ?2",
        prefix,
        limit,
    )


def close_others(connection: Connection, incident: Incident | None, now: Now) -> None:
    """Close every incident but `incident`: at most one is open, and the rest were lost sight of."""
    open_one = "" if incident is None else incident.id
    for lost in _read(connection, "WHERE closed_wall IS NULL AND id <> ?", open_one):
        write(connection, replace(lost, closed=now))


def write_state(connection: Connection, state: State) -> None:
    """Replace what the machine remembers by `state`, whose incident has a row of its own."""
    if state.incident is not None:
        write(connection, state.incident)
    name = state.incident.id if state.incident else None
    documents.put(connection, documents.MACHINE, _Machine(replace(state, incident=None), name))


def read_state(connection: Connection) -> State:
    """Return what the machine remembers; raises ValueError where it makes no sense."""
    found = documents.get(connection, documents.MACHINE, _Machine)
    if found is None:
        return State()
    incident = _read(connection, "WHERE id = ?", found.incident) if found.incident else []
    stage = found.state.stage
    if (stage in OPEN) != bool(incident):
        raise ValueError(f"the stage is {stage}, which does not fit the incident")
    return replace(found.state, incident=incident[0] if incident else None)


@dataclass(frozen=True, slots=True)
class _Machine:
    """The state without its incident, of which it has the id."""

    state: State
    incident: str | None


def _read(connection: Connection, which: str, *values: str | int) -> list[Incident]:
    rows = connection.execute(f"SELECT value FROM incidents {which}", values)  # noqa: S608
    return [documents.load(Incident, row["value"]) for row in rows.fetchall()]
