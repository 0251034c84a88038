"""Of what the admin was told that we cannot look at it, a row for each service."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.unmeasured import Blindness
from mailwatch.store.moments import moment, pair


def write(connection: Connection, blindness: Blindness) -> None:
    """Replace what was remembered by `blindness`."""
    connection.execute("DELETE FROM blindness")
    connection.executemany(
        "INSERT INTO blindness VALUES (?, ?, ?)",
        [(service, *pair(since)) for service, since in blindness.since.items()],
    )


def read(connection: Connection) -> Blindness:
    """Return what is remembered."""
    rows = connection.execute("SELECT * FROM blindness").fetchall()
    since = {row["service"]: moment(row, "since") for row in rows}
    return Blindness(since, frozenset(since))
