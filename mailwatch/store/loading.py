"""Taking over what a file holds: everything at the start, letters alone when that is too late."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.certificates import Certificates
from mailwatch.core.known_good import Proven
from mailwatch.core.model import Now
from mailwatch.core.notes import moved
from mailwatch.core.outbox import Letter
from mailwatch.core.rebase import rebase, shift_s
from mailwatch.core.unmeasured import Blindness
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
        [replace(letter, not_before=letter.not_before + by) for letter in outbox.read(connection)],
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
    """Put into `memory` what was found too late for the state: letters, and what is known.

    Where both know something of the same service, `memory` is newer and stays.
    """
    memory.keep_letters(_before(found.letters(), memory.letters()))
    old, new = found.notes(), memory.notes()
    known = replace(
        new,
        certificates=Certificates({**old.certificates.told, **new.certificates.told}),
        proven=Proven({**old.proven.passed, **new.proven.passed}),
        blindness=Blindness(
            {**old.blindness.since, **new.blindness.since},
            old.blindness.told | new.blindness.told,
        ),
    )
    memory.commit(memory.restore(now), (), now, notes=known)


def _before(letters: Sequence[Letter], others: Sequence[Letter]) -> tuple[Letter, ...]:
    """Return all of them with `letters` first; `others` keep the ids that were handed out."""
    if others and letters and letters[-1].id >= others[0].id:
        first = others[0].id - len(letters)
        letters = [replace(letter, id=first + i) for i, letter in enumerate(letters)]
    return (*letters, *others)
