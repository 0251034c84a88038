"""What the limit on messages remembers, as one row."""

from __future__ import annotations

import json
from sqlite3 import Connection

from mailwatch.core.message import Message, Topic
from mailwatch.core.model import Now
from mailwatch.core.rate_limit import RateLimit, Told
from mailwatch.store.outbox import priority_of, severity_of


def write(connection: Connection, rate_limit: RateLimit) -> None:
    """Replace what was remembered by `rate_limit`."""
    told = [[told.at.steady, told.at.wall, list(told.notices)] for told in rate_limit.told]
    held = [
        [m.topic.value, m.title, m.body, priority_of(m.severity), m.at, m.incident]
        for m in rate_limit.held
    ]
    connection.execute(
        "INSERT OR REPLACE INTO ledger VALUES (1, ?, ?, ?)",
        (json.dumps(told), json.dumps(held), rate_limit.called),
    )


def read(connection: Connection) -> RateLimit:
    """Return what is remembered; raises ValueError where the row makes no sense."""
    row = connection.execute("SELECT * FROM ledger").fetchone()
    if row is None:
        return RateLimit()
    return RateLimit(
        told=tuple(
            Told(Now(steady, wall), tuple(notices))
            for steady, wall, notices in json.loads(row["told"])
        ),
        held=tuple(
            Message(Topic(topic), severity_of(severity), title, body, at, incident)
            for topic, title, body, severity, at, incident in json.loads(row["held"])
        ),
        called=row["called"],
    )
