"""How long history is kept, and what gives way when the file is full."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.store.history import day_of

DAY_S = 86_400.0
READINGS_S = 14 * DAY_S
KEPT_S = 400 * DAY_S
"""Days, and incidents and messages from their end on: what is open or waits is not forgotten."""

MAX_BYTES = 64 * 1024 * 1024
"""Four services every two minutes come to 4 MiB of readings in 14 days."""

_NEARLY_FULL = 0.9
_PORTION = 2000
"""How many readings give way at a time: about 200 KiB, in some milliseconds."""

EVERY_S = 3600.0
"""How long to leave between two expire()."""

_EXPIRE = 12_000
"""How many readings may be removed then, those of a hundred services every 30 s."""


def expire(connection: Connection, wall: float) -> None:
    """Remove what is too old at `wall`, a portion at a time."""
    connection.execute(
        """
        DELETE FROM readings
        WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ?) AND at_wall < ?
        """,
        (_EXPIRE, wall - READINGS_S),
    )
    day = day_of(wall - KEPT_S)
    connection.execute("DELETE FROM summaries WHERE day < ?", (day,))
    connection.execute("DELETE FROM summary_seconds WHERE day < ?", (day,))
    connection.execute("DELETE FROM incidents WHERE closed_wall < ?", (wall - KEPT_S,))
    connection.execute("DELETE FROM outbox WHERE ended_wall < ?", (wall - KEPT_S,))


def make_room(connection: Connection) -> None:
    """Remove the oldest history while little is left of the file's largest size.

    Freed pages are used again at once, so this works within the transaction that needs them.
    """
    while _is_nearly_full(connection):
        if not any(connection.execute(step).rowcount for step in _GIVING_WAY):
            return


_GIVING_WAY = (
    """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE ended_wall IS NOT NULL ORDER BY id LIMIT 100
    )
    """,
    f"DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT {_PORTION})",  # noqa: S608
    """
    DELETE FROM incidents WHERE number IN (
        SELECT number FROM incidents WHERE closed_wall IS NOT NULL ORDER BY number LIMIT 100
    )
    """,
    "DELETE FROM summary_seconds WHERE day = (SELECT min(day) FROM summary_seconds)",
    "DELETE FROM summaries WHERE day = (SELECT min(day) FROM summaries)",
)
"""Each only where those before it have nothing more to give."""


def _is_nearly_full(connection: Connection) -> bool:
    most, pages, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("max_page_count", "page_count", "freelist_count")
    )
    return pages - free > _NEARLY_FULL * most
