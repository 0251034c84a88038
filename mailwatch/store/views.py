"""What the command line reads of the state file, beside the service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.known_good import KnownGood
from mailwatch.core.notes import Notes
from mailwatch.core.say import line
from mailwatch.core.state import Incident
from mailwatch.store import documents, history
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


class Views:
    """Reads one state file; every answer is of one moment, and raises StoreError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def proven(self) -> KnownGood:
        """Return which services have passed as they are configured."""
        with _visit(self._directory) as connection:
            return (documents.get(connection, documents.NOTES, Notes) or Notes()).proven

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
            raise StoreError(line("no-incidents"))
        if not found:
            raise StoreError(line("incident-unknown", id=name))
        ids = tuple(incident.id for incident in found[:3])
        raise StoreError(line("incident-ambiguous", id=name, incidents=ids))

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


def _sentence(path: Path, error: Exception) -> str:
    why = advice = ""
    if isinstance(error, FileNotFoundError):
        kind = "absent"
    elif isinstance(error, Unusable):
        kind, why = error.kind if error.kind in ("older", "newer") else "unusable", str(error)
    elif is_damage(error):
        kind = "damaged"
    elif code_of(error) in UNWRITABLE:
        kind = "unwritable"
    elif code_of(error) == sqlite3.SQLITE_CANTOPEN or isinstance(error, PermissionError):
        kind = "forbidden"
    else:
        kind, (why, advice) = "broken", reason(error)
    return line(f"state-file-{kind}", path=str(path), why=why, advice=advice)


__all__ = ["LAST", "Past", "StoreError", "Summary", "Views"]
