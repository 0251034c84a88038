"""The entries that were not delivered yet, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Row

from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.outbox import QueuedMessage


def write(connection: Connection, entries: Sequence[QueuedMessage]) -> None:
    """Add `entries`, or replace what was written of them before."""
    connection.executemany(
        """
        INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            topic = excluded.topic, title = excluded.title, body = excluded.body,
            priority = excluded.priority, at_wall = excluded.at_wall,
            incident = excluded.incident, tries = excluded.tries,
            not_before = excluded.not_before, parked = excluded.parked,
            trouble = excluded.trouble
        """,
        [
            (
                entry.id,
                entry.message.topic.value,
                entry.message.title,
                entry.message.body,
                priority_of(entry.message.severity),
                entry.message.at,
                entry.message.incident,
                entry.tries,
                entry.not_before,
                entry.parked,
                entry.trouble,
            )
            for entry in entries
        ],
    )


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Forget the entries with these ids."""
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(number,) for number in ids])


def keep_only(connection: Connection, entries: Sequence[QueuedMessage], following: int) -> None:
    """Make the outbox be `entries` and nothing else; the next one after them is `following`."""
    wanted = {entry.id for entry in entries}
    rows = connection.execute("SELECT id FROM outbox").fetchall()
    remove(connection, [row["id"] for row in rows if row["id"] not in wanted])
    write(connection, entries)
    # Letters that came and went while the file could not be written have left no trace in it.
    if next_id(connection) < following:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (following - 1,))


def read(connection: Connection) -> tuple[QueuedMessage, ...]:
    """Return the outbox in its order; raises ValueError where a row makes no sense."""
    rows = connection.execute("SELECT * FROM outbox ORDER BY id")
    return tuple(_letter(row) for row in rows)


def next_id(connection: Connection) -> int:
    """Return the id of the next entry: no id is ever handed out twice."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row["seq"]) + 1


_PRIORITIES = {
    Severity.INFO: 4,
    Severity.WARNING: 5,
    Severity.URGENT: 8,
    Severity.CRITICAL: 10,
}


def priority_of(severity: Severity) -> int:
    """Return what a column of earlier versions, Gotify's priority, holds for `severity`."""
    return _PRIORITIES[severity]


def severity_of(priority: int) -> Severity:
    """Return the severity of such a column; `priority` is 0 to 10."""
    return next((s for s, least in _PRIORITIES.items() if priority <= least), Severity.CRITICAL)


def _letter(row: Row) -> QueuedMessage:
    message = Message(
        topic=Topic(row["topic"]),
        severity=severity_of(row["priority"]),
        title=row["title"],
        body=row["body"],
        at=row["at_wall"],
        incident=row["incident"],
    )
    return QueuedMessage(
        id=row["id"],
        message=message,
        tries=row["tries"],
        not_before=row["not_before"],
        parked=bool(row["parked"]),
        trouble=row["trouble"],
    )
