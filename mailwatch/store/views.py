"""What the command line reads of the state file, beside the service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Now
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident, Stage
from mailwatch.store import documents, history
from mailwatch.store.boot import Boot
from mailwatch.store.connection import (
    NONSENSE,
    UNWRITABLE,
    code_of,
    is_damage,
    open_beside,
    reason,
)
from mailwatch.store.files import NAME, StoreError, Unusable
from mailwatch.store.history import Past, Summary

LAST = "last"
"""Stands for the id of the newest incident."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where things stand; moments are in seconds since 1970, None where there is none."""

    stage: Stage
    incident: Incident | None
    """The open incident. Only the wall numbers of its moments mean something here."""
    readings: tuple[Past, ...]
    """Those of the last round, in the order of the configuration."""
    entries: tuple[QueuedMessage, ...]
    """The messages that were not delivered yet, with what kept them."""
    held_back: int
    """How many messages wait for the limit of messages an hour."""
    paused_until: float | None
    last_round: float | None
    """When the last round was recorded: all of this is as old as that."""
    proven: KnownGood = field(default_factory=KnownGood)
    """Which services have passed as they are configured."""


class Views:
    """Reads one state file; every answer is of one moment, and raises StoreError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def status(self) -> Status:
        """Return where things stand."""
        with _visit(self._directory) as connection:
            state = documents.get_state(connection)
            notes = documents.get(connection, documents.NOTES, Notes) or Notes()
            paused_until = documents.get(connection, documents.PAUSE, Boot)
            last_round = documents.get(connection, documents.ROUND, Now)
            return Status(
                stage=state.stage,
                incident=state.incident,
                readings=history.last_round(connection),
                entries=documents.waiting(connection),
                held_back=len(notes.rate_limit.held),
                paused_until=None if paused_until is None else paused_until.at.wall,
                last_round=None if last_round is None else last_round.wall,
                proven=notes.proven,
            )

    def incidents(self, limit: int) -> list[Incident]:
        """Return the last `limit` (>= 0) incidents, the newest first."""
        with _visit(self._directory) as connection:
            return documents.newest(connection, limit)

    def incident(self, name: str) -> Incident:
        """Return the incident of that id, or of the one id that begins so, or `last`."""
        with _visit(self._directory) as connection:
            if name == LAST:
                found = documents.newest(connection, 1)
            else:
                found = documents.beginning_with(connection, name, 4) if name else []
        if len(found) == 1 or (found and found[0].id == name):
            return found[0]
        if name == LAST:
            raise StoreError("There have been no incidents yet.")
        if not found:
            raise StoreError(f"No incident has the id {name!r}: `mailwatch incidents` lists them.")
        ids = ", ".join(incident.id for incident in found[:3])
        more = ", ..." if len(found) > 3 else ""
        raise StoreError(
            f"Several incidents begin with {name!r}: {ids}{more}. Type more of the id."
        )

    def summaries(self, since: float) -> list[Summary]:
        """Return the days from that of `since` (seconds since 1970) on, by day and service."""
        with _visit(self._directory) as connection:
            return history.summaries(connection, since)

    def readings(self, service: str, since: float) -> list[Past]:
        """Return the readings of `service` (its key, `NAME:PORT`) since `since`, oldest first."""
        with _visit(self._directory) as connection:
            return history.read(connection, service, since)


@contextmanager
def _visit(directory: Path) -> Iterator[Connection]:
    """Do the block in one transaction on the state file in `directory`; raises StoreError."""
    path = directory / NAME
    try:
        with closing(open_beside(path)) as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
    except (Unusable, *NONSENSE, sqlite3.Error, OSError) as error:
        raise StoreError(_sentence(path, error)) from error


_ADVICE = {
    "older": "restart the service, which brings it up to date",
    "newer": "use the mailwatch that belongs to the running service",
}
_ANEW = "restart the service, which sets it aside and makes a new one"


def _sentence(path: Path, error: Exception) -> str:
    code = code_of(error)
    if isinstance(error, FileNotFoundError):
        return f"There is no state file {path}: start the service, which makes it."
    if isinstance(error, Unusable):
        advice = _ADVICE.get(error.kind, _ANEW)
        return f"The state file {path} cannot be used, for {error}: {advice}."
    if is_damage(error):
        return f"The state file {path} is damaged: {_ANEW}."
    if code in UNWRITABLE:
        return f"You may not write {path}: run this as root."
    if code == sqlite3.SQLITE_CANTOPEN or isinstance(error, PermissionError):
        return f"You may not open {path}: run this as root, or as a member of the service's group."
    why, advice = reason(error)
    return f"The state file {path} cannot be used, for {why}: {advice}."


__all__ = ["LAST", "Past", "Status", "StoreError", "Summary", "Views"]
