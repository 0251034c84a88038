"""All that is kept beside the incident and the outbox, each part in a table of its own."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.notes import Notes
from mailwatch.store import certificates, known_good, rate_limit, unmeasured


def write(connection: Connection, notes: Notes, known: Notes | None = None) -> None:
    """Replace what was kept by `notes`, but for those parts that are as in `known`."""
    if known is None or notes.rate_limit != known.rate_limit:
        rate_limit.write(connection, notes.rate_limit)
    if known is None or notes.certificates != known.certificates:
        certificates.write(connection, notes.certificates)
    if known is None or notes.proven != known.proven:
        known_good.write(connection, notes.proven)
    if known is None or notes.unmeasured_services != known.unmeasured_services:
        unmeasured.write(connection, notes.unmeasured_services)


def read(connection: Connection) -> Notes:
    """Return what is kept; raises ValueError, TypeError or LookupError where it makes no sense."""
    return Notes(
        rate_limit.read(connection),
        certificates.read(connection),
        known_good.read(connection),
        unmeasured.read(connection),
    )
