"""The admin's pause, as one row that the command line writes and the service reads."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store.boot import Boot
from mailwatch.store.moments import moment


def write(connection: Connection, until: Now | None, boot_id: str) -> None:
    """Pause until `until`, a moment of the boot `boot_id`, or end the pause with None."""
    if until is None:
        connection.execute("DELETE FROM pause")
    else:
        connection.execute(
            "INSERT OR REPLACE INTO pause VALUES (1, ?, ?, ?)", (boot_id, until.steady, until.wall)
        )


def read(connection: Connection, boot: Boot) -> Now | None:
    """Return the end of the pause on the steady clock of `boot`, None where there is none.

    A pause that was begun before a reboot ends by the wall clock.
    """
    row = connection.execute("SELECT * FROM pause").fetchone()
    if row is None:
        return None
    until = moment(row, "until")
    if Boot(row["boot"], until).is_same(boot):
        return until
    return Now(boot.at.steady + until.wall - boot.at.wall, until.wall)


def read_wall(connection: Connection) -> float | None:
    """Return the end of the pause in seconds since 1970, None where there is none."""
    row = connection.execute("SELECT until_wall FROM pause").fetchone()
    return None if row is None else float(row["until_wall"])
