"""Values that are kept as JSON: some under their names, incidents and the outbox a row each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import TypeVar

from mailwatch.core.codec import plain, value_of
from mailwatch.core.model import Now
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import OPEN, Incident, State

T = TypeVar("T")

MACHINE = "machine"
NOTES = "notes"
PAUSE = "pause"
ROUND = "round"
"""When the last round was recorded."""
NUMBER = "number"
"""The number of the last work that the file holds, see `writer.Work`."""
WRITTEN = "written"
"""When, and in which boot, the file was last written to."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """The state without its incident, of which it has the id."""

    state: State
    incident: str | None


def dump(value: object) -> str:
    """Return `value` as text for a column."""
    return json.dumps(plain(value), separators=(",", ":"))


def load(kind: type[T], text: str) -> T:
    """Return the `kind` that dump() made `text` of.

    This and all that reads raises ValueError where a text makes no sense.
    """
    try:
        return value_of(kind, json.loads(text))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a {kind.__name__} is kept as something else") from error


def put(connection: Connection, name: str, value: object) -> None:
    """Replace what is kept under `name` by `value`, None for nothing."""
    if value is None:
        connection.execute("DELETE FROM documents WHERE name = ?", (name,))
    else:
        row = name, dump(value)
        connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", row)


def get(connection: Connection, name: str, kind: type[T]) -> T | None:
    """Return what is kept under `name`, None where nothing is."""
    row = connection.execute("SELECT value FROM documents WHERE name = ?", (name,)).fetchone()
    return None if row is None else load(kind, row["value"])


# --- the incident machine -----------------------------------------------------------------


def put_state(connection: Connection, state: State) -> None:
    """Replace what the machine remembers by `state`, whose incident has a row of its own."""
    if state.incident is not None:
        put_incident(connection, state.incident)
    name = state.incident.id if state.incident else None
    put(connection, MACHINE, _Machine(replace(state, incident=None), name))


def get_state(connection: Connection) -> State:
    """Return what the machine remembers."""
    found = get(connection, MACHINE, _Machine)
    if found is None:
        return State()
    incident = _incidents(connection, "WHERE id = ?", found.incident) if found.incident else []
    stage = found.state.stage
    if (stage in OPEN) != bool(incident):
        raise ValueError(f"the stage is {stage}, which does not fit the incident")
    return replace(found.state, incident=incident[0] if incident else None)


def put_incident(connection: Connection, incident: Incident) -> None:
    """Add `incident`, or replace what was written of it before."""
    closed = incident.closed and incident.closed.wall
    connection.execute(
        """
        INSERT INTO incidents (id, closed_wall, value) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET closed_wall = excluded.closed_wall, value = excluded.value
        """,
        (incident.id, closed, dump(incident)),
    )


def close_others(connection: Connection, incident: Incident | None, now: Now) -> None:
    """Close every incident but `incident`: at most one is open, and the rest were lost sight of."""
    open_one = "" if incident is None else incident.id
    for lost in _incidents(connection, "WHERE closed_wall IS NULL AND id <> ?", open_one):
        put_incident(connection, replace(lost, closed=now))


def newest(connection: Connection, limit: int) -> list[Incident]:
    """Return the last `limit` incidents (>= 0), the newest first."""
    return _incidents(connection, "ORDER BY number DESC LIMIT ?", limit)


def beginning_with(connection: Connection, prefix: str, limit: int) -> list[Incident]:
    """Return at most `limit` whose ids begin with `prefix`: first its own, then the newest."""
    which = "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, number DESC LIMIT ?2"
    return _incidents(connection, which, prefix, limit)


def _incidents(connection: Connection, which: str, *values: str | int) -> list[Incident]:
    rows = connection.execute(f"SELECT value FROM incidents {which}", values)  # noqa: S608
    return [load(Incident, row["value"]) for row in rows.fetchall()]


# --- the outbox ---------------------------------------------------------------------------


def put_entries(connection: Connection, entries: Iterable[QueuedMessage]) -> None:
    """Add `entries`, or replace what was written of them before."""
    rows = [(one.id, one.channel, one.ended and one.ended.wall, dump(one)) for one in entries]
    connection.executemany("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?)", rows)


def keep_only(
    connection: Connection, entries: Sequence[QueuedMessage], known: Sequence[QueuedMessage]
) -> None:
    """Let `entries` be all that wait, in place of `known`."""
    # By id, for weeks without a notifier leave thousands of entries.
    before = {entry.id: entry for entry in known}
    gone = before.keys() - {entry.id for entry in entries}
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in gone])
    put_entries(connection, [entry for entry in entries if before.get(entry.id) != entry])


def waiting(connection: Connection) -> tuple[QueuedMessage, ...]:
    """Return the entries that have not ended, in their order."""
    rows = connection.execute("SELECT value FROM outbox WHERE ended_wall IS NULL ORDER BY id")
    return tuple(load(QueuedMessage, row["value"]) for row in rows)


def telling_of(connection: Connection, incidents: Sequence[str]) -> list[QueuedMessage]:
    """Return the entries, ended or not, that tell of `incidents` (their ids), in their order."""
    rows = connection.execute(
        """
        SELECT value FROM outbox
        WHERE json_extract(value, '$.message.incident') IN (SELECT value FROM json_each(?))
        ORDER BY id
        """,
        (json.dumps(incidents),),
    )
    return [load(QueuedMessage, row["value"]) for row in rows]


def next_id(connection: Connection) -> int:
    """Return the id of the next entry: no id is ever handed out twice."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row["seq"]) + 1
