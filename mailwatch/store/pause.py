"""The admin's pause, which the command line writes and the service reads."""

from __future__ import annotations

import os
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store import documents
from mailwatch.store.boot import Boot, boot_id
from mailwatch.store.connection import open_existing, transaction
from mailwatch.store.outside_access import visit


def write(connection: Connection, until: Now | None, boot: str) -> None:
    """Pause until `until`, a moment of the boot with the id `boot`, or end the pause with None."""
    if until is None:
        documents.remove(connection, documents.PAUSE)
    else:
        documents.put(connection, documents.PAUSE, Boot(boot, until))


def read(connection: Connection, boot: Boot) -> Now | None:
    """Return the end of the pause on the steady clock of `boot`, None where there is none.

    A pause that was begun before a reboot ends by the wall clock.
    """
    found = documents.get(connection, documents.PAUSE, Boot)
    if found is None or found.is_same(boot):
        return None if found is None else found.at
    return Now(boot.at.steady + found.at.wall - boot.at.wall, found.at.wall)


def set_pause(directory: Path, until: Now | None, boot: str | None = None) -> None:
    """Write it from another process than the service, which sees it at its next step.

    `boot` is the id of this boot, which is looked up when it is None. Raises StoreError.
    """
    with visit(directory, open_existing) as connection, transaction(connection):
        write(connection, until, boot_id(os.environ) if boot is None else boot)
