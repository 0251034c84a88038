"""The outbox as rows: the entries that wait, and those that have come to an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from mailwatch.core.outbox import QueuedMessage
from mailwatch.store import documents


def write(connection: Connection, entries: Iterable[QueuedMessage]) -> None:
    """Add `entries`, or replace what was written of them before."""
    connection.executemany(
        "INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?)",
        [
            (
                entry.id,
                entry.channel,
                None if entry.ended is None else entry.ended.wall,
                documents.dump(entry),
            )
            for entry in entries
        ],
    )


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Forget the entries with these ids."""
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in ids])


def keep_only(connection: Connection, entries: Sequence[QueuedMessage], following: int) -> None:
    """Let `entries` be all that wait; the next one after them is `following`."""
    wanted = {entry.id for entry in entries}
    rows = connection.execute("SELECT id FROM outbox WHERE ended_wall IS NULL").fetchall()
    remove(connection, [row["id"] for row in rows if row["id"] not in wanted])
    write(connection, entries)
    # Those that came and went while the file could not be written have left no trace in it.
    if next_id(connection) < following:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (following - 1,))


def read(connection: Connection) -> tuple[QueuedMessage, ...]:
    """Return what waits, in its order; raises ValueError where a row makes no sense."""
    rows = connection.execute("SELECT value FROM outbox WHERE ended_wall IS NULL ORDER BY id")
    return tuple(documents.load(QueuedMessage, row["value"]) for row in rows)


def next_id(connection: Connection) -> int:
    """Return the id of the next entry: no id is ever handed out twice."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row["seq"]) + 1
