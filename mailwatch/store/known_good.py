"""Which services have passed as they are configured, a row for each."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.known_good import KnownGood


def write(connection: Connection, proven: KnownGood) -> None:
    """Replace what was remembered by `proven`."""
    connection.execute("DELETE FROM proven")
    connection.executemany("INSERT INTO proven VALUES (?, ?)", proven.passed.items())


def read(connection: Connection) -> KnownGood:
    """Return what is remembered."""
    rows = connection.execute("SELECT * FROM proven")
    return KnownGood({row["service"]: row["settings"] for row in rows})
