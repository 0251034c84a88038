"""Of what the admin was told that we cannot look at it, a row for each service."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.moments import moment, pair


def write(connection: Connection, unmeasured_services: UnmeasuredServices) -> None:
    """Replace what was remembered by `unmeasured_services`."""
    connection.execute("DELETE FROM blindness")
    connection.executemany(
        "INSERT INTO blindness VALUES (?, ?, ?)",
        [(service, *pair(since)) for service, since in unmeasured_services.since.items()],
    )


def read(connection: Connection) -> UnmeasuredServices:
    """Return what is remembered."""
    rows = connection.execute("SELECT * FROM blindness").fetchall()
    since = {row["service"]: moment(row, "since") for row in rows}
    return UnmeasuredServices(since, frozenset(since))
