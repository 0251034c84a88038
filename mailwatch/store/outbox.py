"""The outbox as rows: the entries that wait, and those that have come to an end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from mailwatch.core.outbox import QueuedMessage
from mailwatch.store import documents


def write(connection: Connection, entries: Iterable[QueuedMessage]) -> None:
    """Add `entries`, or replace what was written of them before."""
    rows = [
        (entry.id, entry.channel, entry.ended and entry.ended.wall, documents.dump(entry))
        for entry in entries
    ]
    connection.executemany("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?)", rows)


def keep_only(
    connection: Connection, entries: Sequence[QueuedMessage], known: Sequence[QueuedMessage]
) -> None:
    """Let `entries` be all that wait, in place of `known`."""
    # By id, for weeks without a notifier leave thousands of entries.
    before = {entry.id: entry for entry in known}
    gone = before.keys() - {entry.id for entry in entries}
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in gone])
    write(connection, [entry for entry in entries if before.get(entry.id) != entry])


def read(connection: Connection) -> tuple[QueuedMessage, ...]:
    """Return what waits, in its order; raises ValueError where a row makes no sense."""
    rows = connection.execute("SELECT value FROM outbox WHERE ended_wall IS NULL ORDER BY id")
    return tuple(documents.load(QueuedMessage, row["value"]) for row in rows)


def next_id(connection: Connection) -> int:
    """Return the id of the next entry: no id is ever handed out twice."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row["seq"]) + 1
