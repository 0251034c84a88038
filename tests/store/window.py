"""What another process sees in a state file, all of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from mailwatch.core.model import Now
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident, Stage
from mailwatch.store import documents, history
from mailwatch.store.boot import Boot
from mailwatch.store.history import Past
from mailwatch.store.views import _visit


@dataclass(frozen=True)
class Seen:
    """What the file holds; moments are in seconds since 1970, None where there is none."""

    stage: Stage
    incident: Incident | None
    readings: tuple[Past, ...]
    """Those of the newest round, in the order of the configuration."""
    entries: tuple[QueuedMessage, ...]
    held_back: int
    paused_until: float | None
    last_round: float | None


def look(directory: Path) -> Seen:
    """Read the state file in `directory`; raises StoreError."""
    with _visit(directory) as connection:
        state = documents.get_state(connection)
        notes = documents.get(connection, documents.NOTES, Notes) or Notes()
        pause = documents.get(connection, documents.PAUSE, Boot)
        last_round = documents.get(connection, documents.ROUND, Now)
        rows = connection.execute("SELECT * FROM readings ORDER BY id")
        rounds = groupby(map(history._past, rows), attrgetter("at"))
        return Seen(
            stage=state.stage,
            incident=state.incident,
            readings=([tuple(readings) for _, readings in rounds] or [()])[-1],
            entries=documents.waiting(connection),
            held_back=len(notes.rate_limit.held),
            paused_until=None if pause is None else pause.at.wall,
            last_round=None if last_round is None else last_round.wall,
        )
