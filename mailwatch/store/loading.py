"""Taking over what a file holds: everything at the start, entries alone when that is too late."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.certificates import Certificates
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Now
from mailwatch.core.notes import moved
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.rebase import rebase, shift_s
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store import clock, machine, notes, outbox, pause
from mailwatch.store.boot import Boot
from mailwatch.store.connection import open_for_reading
from mailwatch.store.memory import MemoryStore


def load(connection: Connection, boot: Boot) -> MemoryStore:
    """Return what the file holds, its moments moved to the steady clock of `boot`.

    Raises sqlite3.Error, and ValueError, TypeError or LookupError where a row makes no sense.
    """
    written = clock.read(connection)
    if written is None:
        return MemoryStore()
    same = written.is_same(boot)
    by = shift_s(written.at, boot.at, same)
    memory = MemoryStore(
        rebase(machine.read(connection), written.at, boot.at, same),
        [replace(entry, not_before=entry.not_before + by) for entry in outbox.read(connection)],
        outbox.next_id(connection),
        moved(notes.read(connection), by),
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
    memory.commit(memory.restore(now), (), now, notes=known)


def _before(
    entries: Sequence[QueuedMessage], others: Sequence[QueuedMessage]
) -> tuple[QueuedMessage, ...]:
    """Return all of them with `entries` first; `others` keep the ids that were handed out."""
    if others and entries and entries[-1].id >= others[0].id:
        first = others[0].id - len(entries)
        entries = [replace(entry, id=first + i) for i, entry in enumerate(entries)]
    return (*entries, *others)
