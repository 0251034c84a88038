"""The tables, as the numbered steps that lead from an empty file to the present version."""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection

from mailwatch.store.to_documents import to_documents

APPLICATION_ID = 0x6D776174
"""`mwat` in ASCII: by it a file of ours is told from any other SQLite database."""


def _with_masks(column: str) -> str:
    """Return what adds to each failure in `column` a fourth element: its mask, or null."""
    return f"""
        UPDATE incidents SET {column} = (
            SELECT json_group_array(json(json_insert(value, '$[#]', CASE json_extract(value, '$[2]')
                WHEN 'nothing listens on it inside the container: Docker accepted the connection, '
                    || 'then closed it' THEN 'proxy'
                WHEN 'a packet filter lets nothing of this host''s through to it, though it '
                    || 'listens inside the container' THEN 'filter'
            END)))
            FROM json_each({column})
        )
        """  # noqa: S608  the name of a column, which no parameter can be


_REPLACED = (
    "machine", "old_attempts", "old_incidents", "old_outbox", "clock", "pause", "ledger",
    "certificates", "proven", "blindness",
)  # fmt: skip
"""The tables that step 12 does away with."""

# A step that was ever released is never changed: a change of the tables is a new step. Each runs
# in one transaction with the change of `user_version`.
#
# Moments are kept as both their numbers: `_steady` is comparable only within the boot that the
# row `clock` names, `_wall` is in seconds since 1970.
STEPS: tuple[tuple[str | Callable[[Connection], None], ...], ...] = (
    (  # 1: what must survive a crash
        """
        CREATE TABLE clock (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            steady REAL NOT NULL,
            wall REAL NOT NULL
        )
        """,
        """
        CREATE TABLE incidents (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            since_steady REAL NOT NULL, since_wall REAL NOT NULL,
            opened_steady REAL NOT NULL, opened_wall REAL NOT NULL,
            failures TEXT NOT NULL,
            first_failures TEXT NOT NULL,
            target TEXT NOT NULL,
            cause TEXT NOT NULL,
            hold_reason TEXT, hold_detail TEXT, hold_until REAL,
            held_told INTEGER NOT NULL,
            opened_told INTEGER NOT NULL,
            escalated_steady REAL, escalated_wall REAL,
            reminded_steady REAL, reminded_wall REAL,
            closed_steady REAL, closed_wall REAL
        )
        """,
        """
        CREATE TABLE attempts (
            incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            begun_steady REAL NOT NULL, begun_wall REAL NOT NULL,
            started_at REAL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL,
            ended_steady REAL, ended_wall REAL,
            PRIMARY KEY (incident, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE machine (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            stage TEXT NOT NULL,
            incident TEXT REFERENCES incidents (id),
            failing_since_steady REAL, failing_since_wall REAL,
            starting_since_steady REAL, starting_since_wall REAL,
            due REAL,
            restarts TEXT NOT NULL,
            streak INTEGER NOT NULL,
            last_attempt_ended_steady REAL, last_attempt_ended_wall REAL,
            last_cure_steady REAL, last_cure_wall REAL,
            target_seen INTEGER NOT NULL,
            last_id TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            topic TEXT NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            priority INTEGER NOT NULL,
            at_wall REAL NOT NULL,
            incident TEXT NOT NULL,
            tries INTEGER NOT NULL,
            not_before REAL NOT NULL,
            parked INTEGER NOT NULL,
            trouble TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE pause (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            until_steady REAL NOT NULL, until_wall REAL NOT NULL
        )
        """,
    ),
    (  # 2: the history
        "ALTER TABLE clock ADD COLUMN round_steady REAL",
        "ALTER TABLE clock ADD COLUMN round_wall REAL",
        """
        CREATE TABLE readings (
            id INTEGER PRIMARY KEY,
            at_wall REAL NOT NULL,
            service TEXT NOT NULL,
            verdict TEXT NOT NULL,
            fault TEXT,
            detail TEXT NOT NULL,
            resolve_s REAL, connect_s REAL, tls_s REAL, greeting_s REAL, dialogue_s REAL,
            certificate_expires REAL
        )
        """,
        # Seconds are those of the passes: a time-out says how long we waited, not how fast it is.
        """
        CREATE TABLE summaries (
            day TEXT NOT NULL,
            service TEXT NOT NULL,
            passes INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            unmeasured INTEGER NOT NULL,
            PRIMARY KEY (day, service)
        ) WITHOUT ROWID
        """,
        # `phase` is a step of the conversation, or empty for the whole of it.
        """
        CREATE TABLE summary_seconds (
            day TEXT NOT NULL,
            service TEXT NOT NULL,
            phase TEXT NOT NULL,
            count INTEGER NOT NULL,
            sum_s REAL NOT NULL,
            min_s REAL NOT NULL,
            max_s REAL NOT NULL,
            PRIMARY KEY (day, service, phase)
        ) WITHOUT ROWID
        """,
    ),
    (  # 3: the limit on messages
        """
        CREATE TABLE ledger (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            told TEXT NOT NULL,
            held TEXT NOT NULL,
            called TEXT NOT NULL
        )
        """,
    ),
    (  # 4: the warnings of certificates that expire, once a day
        """
        CREATE TABLE certificates (
            service TEXT PRIMARY KEY,
            warned_steady REAL NOT NULL, warned_wall REAL NOT NULL,
            renewed INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (  # 5: the legs of a canary
        "ALTER TABLE readings ADD COLUMN submit_s REAL",
        "ALTER TABLE readings ADD COLUMN arrive_s REAL",
    ),
    (  # 6: the services that have passed, with a digest of the settings with which they did so
        """
        CREATE TABLE proven (
            service TEXT PRIMARY KEY,
            settings TEXT NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (  # 7: whether some services dropped us in the last round, and others did not
        "ALTER TABLE machine ADD COLUMN dropped_apart INTEGER NOT NULL DEFAULT 0",
    ),
    (  # 8: what was told that must not be told twice, nor be taken back without ground
        """
        CREATE TABLE blindness (
            service TEXT PRIMARY KEY,
            since_steady REAL NOT NULL, since_wall REAL NOT NULL
        ) WITHOUT ROWID
        """,
        "ALTER TABLE certificates ADD COLUMN expires REAL",
    ),
    (  # 9: what a hold says, each in a column of its own
        "ALTER TABLE incidents RENAME COLUMN hold_detail TO hold_target",
        "ALTER TABLE incidents ADD COLUMN hold_seen_as TEXT",
        "ALTER TABLE incidents ADD COLUMN hold_services TEXT",
        """
        UPDATE incidents SET hold_seen_as = '', hold_services = '[]'
        WHERE hold_reason IS NOT NULL
        """,
        """
        UPDATE incidents SET hold_seen_as = hold_target, hold_target = ''
        WHERE hold_reason IN ('banned', 'incurable')
        """,
        # Several were one text, which serves as the name of one.
        """
        UPDATE incidents SET hold_services = json_array(hold_target), hold_target = ''
        WHERE hold_reason = 'unproven'
        """,
    ),
    (  # 10: each failure with its mask, which was known by the failure's own words alone
        _with_masks("failures"),
        _with_masks("first_failures"),
    ),
    (  # 11: the name of the target of which `target_seen` speaks
        "ALTER TABLE machine ADD COLUMN target TEXT NOT NULL DEFAULT ''",
    ),
    (  # 12: facts in place of sentences, and what is read as a whole as one JSON document
        "CREATE TABLE documents (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "ALTER TABLE incidents RENAME TO old_incidents",
        "ALTER TABLE attempts RENAME TO old_attempts",
        "ALTER TABLE outbox RENAME TO old_outbox",
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
        to_documents,
        "DELETE FROM sqlite_sequence WHERE name = 'outbox'",
        "UPDATE sqlite_sequence SET name = 'outbox' WHERE name = 'old_outbox'",
        *(f"DROP TABLE {name}" for name in _REPLACED),
        """
        UPDATE readings SET detail = json_object(
            'code', 'words', 'args', json_object('text', detail)
        ) WHERE detail <> ''
        """,
    ),
)

VERSION = len(STEPS)


def version_of(connection: Connection) -> int:
    """Return the version that the file says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Connection) -> None:
    """Bring the tables up to VERSION, each step whole or not at all.

    Raises sqlite3.Error, and ValueError, TypeError or LookupError where an old row makes no sense.
    """
    for number in range(version_of(connection) + 1, VERSION + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for step in STEPS[number - 1]:
                connection.execute(step) if isinstance(step, str) else step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
