"""What the incident machine remembers, as one row beside its open incident."""

from __future__ import annotations

import json
from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.core.state import OPEN, Stage, State
from mailwatch.store import incidents
from mailwatch.store.moments import maybe, pair


def write(connection: Connection, state: State) -> None:
    """Replace what was remembered by `state`."""
    if state.incident is not None:
        incidents.write(connection, state.incident)
    connection.execute(
        """
        INSERT OR REPLACE INTO machine
        VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            state.stage.value,
            None if state.incident is None else state.incident.id,
            *pair(state.failing_since),
            *pair(state.starting_since),
            state.due,
            json.dumps([[begun.steady, begun.wall] for begun in state.restarts]),
            state.streak,
            *pair(state.last_attempt_ended),
            *pair(state.last_cure),
            state.target_seen,
            state.last_id,
            state.dropped_apart,
            state.target,
        ),
    )


def read(connection: Connection) -> State:
    """Return what is remembered; raises ValueError where the row makes no sense."""
    row = connection.execute("SELECT * FROM machine").fetchone()
    if row is None:
        return State()
    incident = None
    if row["incident"] is not None:
        incident = incidents.read(connection, row["incident"])
    stage = Stage(row["stage"])
    if (stage in OPEN) != (incident is not None):
        raise ValueError(f"the stage is {stage}, which does not fit the incident")
    return State(
        stage=stage,
        incident=incident,
        failing_since=maybe(row, "failing_since"),
        starting_since=maybe(row, "starting_since"),
        due=row["due"],
        restarts=tuple(Now(steady, wall) for steady, wall in json.loads(row["restarts"])),
        streak=row["streak"],
        last_attempt_ended=maybe(row, "last_attempt_ended"),
        last_cure=maybe(row, "last_cure"),
        target_seen=bool(row["target_seen"]),
        last_id=row["last_id"],
        dropped_apart=bool(row["dropped_apart"]),
        target=row["target"],
    )
