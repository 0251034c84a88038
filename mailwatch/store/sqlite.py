"""The store on disk: every change is in memory first, and the file follows when it can."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.certificates import Certificates
from mailwatch.core.codec import moved
from mailwatch.core.known_good import KnownGood
from mailwatch.core.model import Now, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store import documents, incidents, outbox, pause, retention
from mailwatch.store.backlog import Backlog
from mailwatch.store.base import Commit, Memory, Store
from mailwatch.store.boot import Boot, boot_id, shift_s
from mailwatch.store.connection import (
    BUSY_TIMEOUT_S,
    NONSENSE,
    OPEN_TIMEOUT_S,
    is_damage,
    is_lock,
    open_unwritable,
)
from mailwatch.store.files import NAME, Unusable
from mailwatch.store.state_file import Say, StateFile, reason

RETRY_S = 10.0
"""How long to leave a file alone that could not be written, unless there is news to keep."""

_FAULTS = (sqlite3.Error, OSError)
_TROUBLES = (*_FAULTS, *NONSENSE)
"""What reading a row again while writing may meet, too."""


class SqliteStore(Store):
    """Keeps everything in `mailwatch.db` as well.

    `say` is given one sentence for the log when the file cannot be written, and when it can be
    again. `max_bytes` (>= 1 MiB) bounds the file; its -wal file adds about 4 MiB.
    """

    def __init__(
        self,
        directory: Path,
        say: Say,
        max_bytes: int = retention.MAX_BYTES,
        boot: str | None = None,
    ) -> None:
        super().__init__()
        self._file = StateFile(directory / NAME, max_bytes, say)
        self._say = say
        self._boot_id = boot_id(os.environ) if boot is None else boot
        self._written: Memory | None = None
        """What the file holds, None where it may lack something: it is then written whole."""
        self._backlog = Backlog()
        self._sweeper = retention.Sweeper()
        self._now = Now(0.0, 0.0)
        self._restoring = False
        self._restored = False
        self._loaded = False
        self._paused_here = False
        """Whether the pause of this process is newer than that in the file."""
        self._troubled = False
        self._retry_at = float("-inf")

    def restore(self, now: Now) -> State:
        """Open the file, and return the state as it was last committed, on this boot's clock."""
        if not self._restored:
            # Above any id that may be in the file, should it become readable only later.
            self._memory = Memory(next_id=max(1, int(now.wall)))
            self._now = now
            self._restoring = True
            self._catch_up()
            self._restoring = False
            self._restored = True
        return self._memory.state

    def commit(self, commit: Commit) -> None:
        """Keep all of it in one transaction; costs nothing when nothing is new."""
        before, closed = self._memory, commit.closed
        super().commit(commit)
        self._now = commit.now
        left, incident = before.state.incident, commit.state.incident
        if closed is None and left and (incident is None or incident.id != left.id):
            closed = replace(left, closed=commit.now)
        if closed is not None:
            self._backlog.add_closed(closed)
        elif self._memory == before:
            if not self._is_current:
                self._catch_up(force=False)
            return
        self._write()

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox; an fsync is spared, for at worst an entry leaves twice."""
        if tuple(entries) != self._memory.entries:
            super().keep_entries(entries)
            self._write(durable=False)

    def delivered(self, entry: QueuedMessage, now: Now) -> None:
        """Take `entry` out of the outbox; its row stays, with its end."""
        super().delivered(entry, now)
        self._backlog.add_ended(replace(entry, ended=now))
        self._now = now
        self._write()

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, which another process may have written."""
        self._now = now
        if self._file.connection is not None and self._written is not None:
            try:
                super().pause(pause.read(self._file.connection, self._boot))
            except _TROUBLES as error:
                self._fail(error)
        return self._memory.paused_until

    def pause(self, until: Now | None) -> None:
        """Begin or end a pause."""
        super().pause(until)
        self._paused_here = True
        self._write()

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Add one round to the history, without an fsync: at worst power loss takes a round."""
        self._backlog.add_round(readings, now)
        self._now = now
        self._write(durable=False)

    def close(self) -> None:
        """Finish writing, and let go of the file."""
        if self._restored and self._written is None:
            self._catch_up()
            if self._written is None:
                self._say(f"mailwatch ends, and what {self._file.path} lacks is forgotten.")
        self._file.close()

    # --- writing --------------------------------------------------------------------------

    @property
    def _boot(self) -> Boot:
        return Boot(self._boot_id, self._now)

    @property
    def _is_current(self) -> bool:
        """Whether the file is open and holds all that was written to it."""
        return self._file.connection is not None and self._written is not None

    def _write(self, durable: bool = True) -> None:
        """Write what is new in a transaction, or all of it where something was left undone."""
        if self._is_current:
            try:
                with self._file.transaction(durable) as connection:
                    self._write_news(connection)
            except _TROUBLES as error:
                self._fail(error)
            else:
                self._caught_up()
                return
        self._catch_up(force=durable)

    def _catch_up(self, force: bool = True) -> None:
        """Write everything once restore() was called, if it is time to try again or `force`."""
        if not (self._restoring or self._restored):
            return
        if not force and self._now.steady < self._retry_at:
            return
        try:
            self._open()
            with self._file.transaction(durable=True) as connection:
                self._write_news(connection)
                incidents.close_others(connection, self._memory.state.incident, self._now)
        except _TROUBLES as error:
            self._fail(error)
            self._retry_at = self._now.steady + RETRY_S
            if not self._troubled:
                self._troubled = True
                why, advice = reason(error)
                self._say(
                    f"Cannot write the state file {self._file.path}, for {why}: mailwatch "
                    "watches, restarts and tells as before, but would forget all if it were "
                    f"ended now; {advice}."
                )
        else:
            self._caught_up()

    def _write_news(self, connection: Connection) -> None:
        memory, written = self._memory, self._written
        retention.make_room(connection)
        if self._sweeper.is_due(self._now):
            retention.expire(connection, self._now.wall)
        if written is None or memory.entries is not written.entries:
            known = None if written is None else written.entries
            outbox.keep_only(connection, memory.entries, memory.next_id, known)
        self._backlog.write(connection)
        if written is None or memory.state != written.state:
            incidents.write_state(connection, memory.state)
        if written is None or memory.notes != written.notes:
            documents.put(connection, documents.NOTES, memory.notes)
        if self._paused_here:
            pause.write(connection, memory.paused_until, self._boot_id)
        documents.put(connection, documents.WRITTEN, self._boot)

    def _caught_up(self) -> None:
        lost = self._backlog.rounds_lost
        self._backlog.clear()
        self._written = self._memory
        self._paused_here = False
        self._retry_at = float("-inf")
        if self._troubled:
            self._troubled = False
            what = f"the readings of {lost} rounds were" if lost else "nothing was"
            self._say(f"{self._file.path} can be written again, and {what} lost.")

    def _fail(self, error: Exception) -> None:
        self._written = None
        self._file.fail(error)

    # --- opening, and taking over what the file holds -------------------------------------

    def _open(self) -> None:
        connection = self._connect()
        if not self._loaded:
            try:
                self._take_over(_load(connection, self._boot))
            except Exception as error:
                if not is_damage(error):
                    raise
                self._file.fail(error)
                self._connect()
                self._loaded = True

    def _connect(self) -> Connection:
        timeout_s = OPEN_TIMEOUT_S if self._restoring else BUSY_TIMEOUT_S
        try:
            connection, is_new = self._file.open(self._now, timeout_s)
        except _FAULTS as error:
            if self._restoring and not is_lock(error):
                with (
                    suppress(*_TROUBLES, Unusable),
                    closing(open_unwritable(self._file.path)) as readable,
                ):
                    self._take_over(_load(readable, self._boot))
            raise
        self._paused_here |= is_new
        return connection

    def _take_over(self, found: Memory) -> None:
        self._loaded = True
        if self._restoring:
            self._memory = found
            return
        # Too late for the state: the machine has gone on from an empty one.
        self._memory = _with_late(self._memory, found)
        incident = found.state.incident
        if incident is not None:
            self._say(
                f"{self._file.path} could not be read as mailwatch started: incident {incident.id} "
                "in it is taken as over, and what fails now is a new one."
            )


def _load(connection: Connection, boot: Boot) -> Memory:
    """Return what the file holds, its moments moved to the steady clock of `boot`.

    Raises sqlite3.Error, and ValueError, TypeError or LookupError where a row makes no sense.
    """
    written = documents.get(connection, documents.WRITTEN, Boot)
    if written is None:
        return Memory()
    found = Memory(
        incidents.read_state(connection),
        documents.get(connection, documents.NOTES, Notes) or Notes(),
        outbox.read(connection),
        outbox.next_id(connection),
    )
    by = shift_s(written.at, boot.at, written.is_same(boot))
    return replace(moved(found, by), paused_until=pause.read(connection, boot))


def _with_late(memory: Memory, found: Memory) -> Memory:
    """Return `memory` with the entries and notes of `found`, which came too late for the state.

    Where both know something of the same service, `memory` is newer and stays. Entries found
    come first; those after them keep the ids that were handed out.
    """
    old, new = found.notes, memory.notes
    notes = replace(
        new,
        certificates=Certificates({**old.certificates.told, **new.certificates.told}),
        proven=KnownGood({**old.proven.passed, **new.proven.passed}),
        unmeasured_services=UnmeasuredServices(
            {**old.unmeasured_services.since, **new.unmeasured_services.since},
            old.unmeasured_services.told | new.unmeasured_services.told,
        ),
    )
    late, entries = found.entries, memory.entries
    if late and entries and late[-1].id >= entries[0].id:
        first = entries[0].id - len(late)
        late = tuple(replace(entry, id=first + i) for i, entry in enumerate(late))
    return replace(memory, notes=notes, entries=(*late, *entries))
