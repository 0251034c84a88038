"""All that is kept beside the incident and the outbox, each part in a table of its own."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.notes import Notes
from mailwatch.store import blindness, certificates, ledger, proven


def write(connection: Connection, notes: Notes, known: Notes | None = None) -> None:
    """Replace what was kept by `notes`, but for those parts that are as in `known`."""
    if known is None or notes.ledger != known.ledger:
        ledger.write(connection, notes.ledger)
    if known is None or notes.certificates != known.certificates:
        certificates.write(connection, notes.certificates)
    if known is None or notes.proven != known.proven:
        proven.write(connection, notes.proven)
    if known is None or notes.blindness != known.blindness:
        blindness.write(connection, notes.blindness)


def read(connection: Connection) -> Notes:
    """Return what is kept; raises ValueError, TypeError or LookupError where it makes no sense."""
    return Notes(
        ledger.read(connection),
        certificates.read(connection),
        proven.read(connection),
        blindness.read(connection),
    )
