"""What the limit on messages remembers, as one row."""

from __future__ import annotations

import json
from sqlite3 import Connection

from mailwatch.core.model import Message, Now, Topic
from mailwatch.core.rate_limit import Ledger, Told


def write(connection: Connection, ledger: Ledger) -> None:
    """Replace what was remembered by `ledger`."""
    told = [[told.at.steady, told.at.wall, list(told.notices)] for told in ledger.told]
    held = [[m.topic.value, m.title, m.body, m.priority, m.at, m.incident] for m in ledger.held]
    connection.execute(
        "INSERT OR REPLACE INTO ledger VALUES (1, ?, ?, ?)",
        (json.dumps(told), json.dumps(held), ledger.called),
    )


def read(connection: Connection) -> Ledger:
    """Return what is remembered; raises ValueError where the row makes no sense."""
    row = connection.execute("SELECT * FROM ledger").fetchone()
    if row is None:
        return Ledger()
    return Ledger(
        told=tuple(
            Told(Now(steady, wall), tuple(notices))
            for steady, wall, notices in json.loads(row["told"])
        ),
        held=tuple(
            Message(Topic(topic), title, body, priority, at, incident)
            for topic, title, body, priority, at, incident in json.loads(row["held"])
        ),
        called=row["called"],
    )
