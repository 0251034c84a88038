"""The tables, and how a file that an earlier release has written gets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sqlite3 import Connection

from mailwatch.store.upgrade import to_documents

APPLICATION_ID = 0x6D776174
"""`mwat` in ASCII: by it a file of ours is told from any other SQLite database."""

VERSION = 13
"""That of 0.5.0. A version that was ever released is never changed: a change makes a new one."""

_HISTORY = (
    """
    CREATE TABLE readings (
        id INTEGER PRIMARY KEY,
        at_wall REAL NOT NULL,
        service TEXT NOT NULL,
        verdict TEXT NOT NULL,
        fault TEXT,
        detail TEXT NOT NULL,
        resolve_s REAL, connect_s REAL, tls_s REAL, greeting_s REAL, dialogue_s REAL,
        certificate_expires REAL,
        submit_s REAL, arrive_s REAL
    )
    """,
    """
    CREATE TABLE summaries (
        day TEXT NOT NULL, service TEXT NOT NULL,
        passes INTEGER NOT NULL, failures INTEGER NOT NULL, unmeasured INTEGER NOT NULL,
        PRIMARY KEY (day, service)
    ) WITHOUT ROWID
    """,
    # Seconds are those of the passes: a time-out says how long we waited, not how fast it is.
    # `phase` is a step of the conversation, or empty for the whole of it.
    """
    CREATE TABLE summary_seconds (
        day TEXT NOT NULL, service TEXT NOT NULL, phase TEXT NOT NULL,
        count INTEGER NOT NULL, sum_s REAL NOT NULL, min_s REAL NOT NULL, max_s REAL NOT NULL,
        PRIMARY KEY (day, service, phase)
    ) WITHOUT ROWID
    """,
)
_DOCUMENTS = (
    "CREATE TABLE documents (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE incidents (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        closed_wall REAL,
        value TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
        ended_wall REAL,
        value TEXT NOT NULL
    )
    """,
)

_REPLACED = (
    "machine", "old_attempts", "old_incidents", "old_outbox", "clock", "pause", "ledger",
    "certificates", "proven", "blindness",
)  # fmt: skip

_Steps = Sequence[str | Callable[[Connection], None]]

_OF_STALWART = """
    UPDATE {1} SET value = json_set(
        value, '$.{0}.code', 'ban-by-server', '$.{0}.args.server', 'Stalwart'
    )
    WHERE CASE WHEN json_valid(value) THEN json_extract(value, '$.{0}.code') END = 'ban-by-stalwart'
    """

_FROM_0_3_0: _Steps = (
    _OF_STALWART.format("cause", "incidents"),
    _OF_STALWART.format("message.cause", "outbox"),
)
"""And from 0.4.0, whose version is the same."""

_FROM_0_2_0: _Steps = (
    "ALTER TABLE incidents RENAME TO old_incidents",
    "ALTER TABLE attempts RENAME TO old_attempts",
    "ALTER TABLE outbox RENAME TO old_outbox",
    *_DOCUMENTS,
    to_documents,
    "DELETE FROM sqlite_sequence WHERE name = 'outbox'",
    "UPDATE sqlite_sequence SET name = 'outbox' WHERE name = 'old_outbox'",
    *(f"DROP TABLE {name}" for name in _REPLACED),
    """
    UPDATE readings SET detail = json_object('code', 'words', 'args', json_object('text', detail))
    WHERE detail <> ''
    """,
)
_FROM_0_1_0: _Steps = (
    "CREATE TABLE certificates (service, warned_steady, warned_wall, renewed, expires)",
    "CREATE TABLE proven (service, settings)",
    "CREATE TABLE blindness (service, since_steady, since_wall)",
    "ALTER TABLE machine ADD COLUMN dropped_apart DEFAULT 0",
    "ALTER TABLE machine ADD COLUMN target DEFAULT ''",
    "ALTER TABLE incidents RENAME COLUMN hold_detail TO hold_target",
    "ALTER TABLE incidents ADD COLUMN hold_seen_as DEFAULT ''",
    "ALTER TABLE incidents ADD COLUMN hold_services DEFAULT '[]'",
    """
    UPDATE incidents SET hold_seen_as = hold_target, hold_target = '' WHERE hold_reason = 'banned'
    """,
    "ALTER TABLE readings ADD COLUMN submit_s REAL",
    "ALTER TABLE readings ADD COLUMN arrive_s REAL",
    *_FROM_0_2_0,
)

_STEPS_FROM: dict[int, _Steps] = {
    0: (*_HISTORY, *_DOCUMENTS),
    3: _FROM_0_1_0,
    11: _FROM_0_2_0,
    12: _FROM_0_3_0,
}
"""What leads to VERSION from an empty file, and from each version that was released before it."""


def version_of(connection: Connection) -> int:
    """Return the version that the file says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Connection) -> None:
    """Bring the tables up to VERSION, all at once or not at all.

    Raises sqlite3.Error, and ValueError, TypeError or LookupError where an old row makes no sense,
    or the version is one that was never released.
    """
    version = version_of(connection)
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in _STEPS_FROM[version]:
            connection.execute(step) if isinstance(step, str) else step(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
