"""All that is kept beside the incident and the outbox, each part in a table of its own."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.notes import Notes
from mailwatch.store import certificates, known_good, rate_limit, unmeasured


def write(connection: Connection, notes: Notes, known: Notes | None = None) -> None:
    """Replace what was kept by `notes`, but for those parts that are as in `known`."""
    if known is None or notes.ledger != known.ledger:
        rate_limit.write(connection, notes.ledger)
    if known is None or notes.certificates != known.certificates:
        certificates.write(connection, notes.certificates)
    if known is None or notes.proven != known.proven:
        known_good.write(connection, notes.proven)
    if known is None or notes.blindness != known.blindness:
        unmeasured.write(connection, notes.blindness)


def read(connection: Connection) -> Notes:
    """Return what is kept; raises ValueError, TypeError or LookupError where it makes no sense."""
    return Notes(
        rate_limit.read(connection),
        certificates.read(connection),
        known_good.read(connection),
        unmeasured.read(connection),
    )
