"""Of which certificates the admin was warned, a row for each service."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.store.moments import moment, pair


def write(connection: Connection, certificates: Certificates) -> None:
    """Replace what was remembered by `certificates`."""
    connection.execute("DELETE FROM certificates")
    connection.executemany(
        "INSERT INTO certificates VALUES (?, ?, ?, ?, ?)",
        [
            (s, *pair(warned.at), warned.renewed, warned.expires)
            for s, warned in certificates.told.items()
        ],
    )


def read(connection: Connection) -> Certificates:
    """Return what is remembered; raises ValueError where a row makes no sense."""
    rows = connection.execute("SELECT * FROM certificates")
    return Certificates(
        {
            row["service"]: Warned(moment(row, "warned"), bool(row["renewed"]), row["expires"])
            for row in rows
        }
    )
