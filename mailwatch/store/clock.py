"""The row `clock`: the boot whose steady clock the file speaks of, and the last round."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store.boot import Boot
from mailwatch.store.moments import maybe


def write(connection: Connection, boot: Boot) -> None:
    """Note that the file was written to at `boot.at`."""
    connection.execute(
        """
        INSERT INTO clock (only, boot, steady, wall) VALUES (1, ?, ?, ?)
        ON CONFLICT (only) DO UPDATE
        SET boot = excluded.boot, steady = excluded.steady, wall = excluded.wall
        """,
        (boot.id, boot.at.steady, boot.at.wall),
    )


def write_round(connection: Connection, boot: Boot) -> None:
    """Note that a round was recorded at `boot.at`."""
    connection.execute(
        """
        INSERT INTO clock VALUES (1, :boot, :steady, :wall, :steady, :wall)
        ON CONFLICT (only) DO UPDATE
        SET boot = :boot, steady = :steady, wall = :wall, round_steady = :steady, round_wall = :wall
        """,
        {"boot": boot.id, "steady": boot.at.steady, "wall": boot.at.wall},
    )


def read(connection: Connection) -> Boot | None:
    """Return when, and in which boot, the file was last written to; None for a new one."""
    row = connection.execute("SELECT boot, steady, wall FROM clock").fetchone()
    return None if row is None else Boot(row["boot"], Now(row["steady"], row["wall"]))


def read_round(connection: Connection) -> Now | None:
    """Return when the last round was recorded."""
    row = connection.execute("SELECT round_steady, round_wall FROM clock").fetchone()
    return None if row is None else maybe(row, "round")
