"""The admin's pause, which the command line writes and the service reads."""

from __future__ import annotations

from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store import documents
from mailwatch.store.boot import Boot


def write(connection: Connection, until: Now | None, boot_id: str) -> None:
    """Pause until `until`, a moment of the boot `boot_id`, or end the pause with None."""
    if until is None:
        documents.remove(connection, documents.PAUSE)
    else:
        documents.put(connection, documents.PAUSE, Boot(boot_id, until))


def read(connection: Connection, boot: Boot) -> Now | None:
    """Return the end of the pause on the steady clock of `boot`, None where there is none.

    A pause that was begun before a reboot ends by the wall clock.
    """
    found = documents.get(connection, documents.PAUSE, Boot)
    if found is None or found.is_same(boot):
        return None if found is None else found.at
    return Now(boot.at.steady + found.at.wall - boot.at.wall, found.at.wall)
