"""Taking over what a file holds: everything at the start, entries alone when that is too late."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.certificates import Certificates
from mailwatch.core.codec import moved
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Now
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store import documents, incidents, outbox, pause
from mailwatch.store.base import Commit
from mailwatch.store.boot import Boot, shift_s
from mailwatch.store.connection import open_for_reading
from mailwatch.store.memory import MemoryStore


def load(connection: Connection, boot: Boot) -> MemoryStore:
    """Return what the file holds, its moments moved to the steady clock of `boot`.

    Raises sqlite3.Error, and ValueError, TypeError or LookupError where a row makes no sense.
    """
    written = documents.get(connection, documents.WRITTEN, Boot)
    if written is None:
        return MemoryStore()
    by = shift_s(written.at, boot.at, written.is_same(boot))
    memory = MemoryStore(
        moved(incidents.read_state(connection), by),
        [moved(entry, by) for entry in outbox.read(connection)],
        outbox.next_id(connection),
        moved(documents.get(connection, documents.NOTES, Notes) or Notes(), by),
    )
    memory.pause(pause.read(connection, boot))
    return memory


def load_unwritable(path: Path, boot: Boot) -> MemoryStore:
    """Return what a file holds that cannot be written; raises as load() and open_for_reading()."""
    with closing(open_for_reading(path)) as connection:
        return load(connection, boot)


def add_late(memory: MemoryStore, found: MemoryStore, now: Now) -> None:
    """Put into `memory` what was found too late for the state: entries, and what is known.

    Where both know something of the same service, `memory` is newer and stays.
    """
    memory.keep_entries(_before(found.entries(), memory.entries()))
    old, new = found.notes(), memory.notes()
    known = replace(
        new,
        certificates=Certificates({**old.certificates.told, **new.certificates.told}),
        proven=KnownGood({**old.proven.passed, **new.proven.passed}),
        unmeasured_services=UnmeasuredServices(
            {**old.unmeasured_services.since, **new.unmeasured_services.since},
            old.unmeasured_services.told | new.unmeasured_services.told,
        ),
    )
    memory.commit(Commit(memory.restore(now), now, notes=known))


def _before(
    entries: Sequence[QueuedMessage], others: Sequence[QueuedMessage]
) -> tuple[QueuedMessage, ...]:
    """Return all of them with `entries` first; `others` keep the ids that were handed out."""
    if others and entries and entries[-1].id >= others[0].id:
        first = others[0].id - len(entries)
        entries = [replace(entry, id=first + i) for i, entry in enumerate(entries)]
    return (*entries, *others)
