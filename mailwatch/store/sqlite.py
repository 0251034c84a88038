"""The store on disk: every change is in memory first, and the file follows when it can."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.model import Now, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State
from mailwatch.store import documents, incidents, outbox, pause, retention
from mailwatch.store.backlog import Backlog
from mailwatch.store.base import Commit
from mailwatch.store.boot import Boot, boot_id
from mailwatch.store.connection import (
    BUSY_TIMEOUT_S,
    OPEN_TIMEOUT_S,
    is_damage,
    is_lock,
    transaction,
)
from mailwatch.store.files import NAME, Unusable
from mailwatch.store.loading import add_late, load, load_unwritable
from mailwatch.store.memory import MemoryStore
from mailwatch.store.opening import Say, reason
from mailwatch.store.state_file import StateFile

RETRY_S = 10.0
"""How long to leave a file alone that could not be written, unless there is news to keep."""

_FAULTS = (sqlite3.Error, OSError)

Job = Callable[[Connection], None]


class SqliteStore:
    """Keeps everything in `mailwatch.db`; see `store.base.Store`.

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
        self._file = StateFile(directory / NAME, max_bytes, say)
        self._say = say
        self._boot_id = boot_id(os.environ) if boot is None else boot
        self._memory = MemoryStore()
        self._backlog = Backlog()
        self._sweeper = retention.Sweeper()
        self._now = Now(0.0, 0.0)
        self._restoring = False
        self._restored = False
        self._loaded = False
        self._behind = True
        """Whether the file lacks something, and is written whole before anything else."""
        self._paused_here = False
        """Whether the pause of this process is newer than that in the file."""
        self._troubled = False
        self._retry_at = float("-inf")

    # --- the machine's memory -------------------------------------------------------------

    def restore(self, now: Now) -> State:
        """Open the file, and return the state as it was last committed, on this boot's clock."""
        if not self._restored:
            # Above any id that may be in the file, should it become readable only later.
            self._memory = MemoryStore(next_id=max(1, int(now.wall)))
            self._now = now
            self._restoring = True
            self._catch_up(force=True)
            self._restoring = False
            self._restored = True
        return self._memory.restore(now)

    def notes(self) -> Notes:
        """Return what is kept beside the incident."""
        return self._memory.notes()

    def commit(self, commit: Commit) -> None:
        """Keep all of it in one transaction; costs nothing when nothing is new."""
        state, now = commit.state, commit.now
        before, known = self._memory.restore(now), self._memory.notes()
        notes = known if commit.notes is None else commit.notes
        closed = commit.closed
        if state == before and not commit.messages and closed is None and notes == known:
            self._write(None, now)
            return
        if closed is None and before.incident is not None:
            gone = state.incident is None or state.incident.id != before.incident.id
            closed = replace(before.incident, closed=now) if gone else None
        if closed is not None:
            self._backlog.add_closed(closed)
        count = len(self._memory.entries())
        self._memory.commit(commit)
        entries = self._memory.entries()[count:]

        def write(connection: Connection) -> None:
            self._backlog.write(connection)
            if state != before:
                incidents.write_state(connection, state)
            if notes != known:
                documents.put(connection, documents.NOTES, notes)
            outbox.write(connection, entries)
            documents.put(connection, documents.WRITTEN, self._boot)

        self._write(write, now)

    # --- the outbox -----------------------------------------------------------------------

    def entries(self) -> tuple[QueuedMessage, ...]:
        """Return the outbox, in order."""
        return self._memory.entries()

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox; an fsync is spared, for at worst an entry leaves twice."""
        before = self._memory.entries()
        if tuple(entries) == before:
            return
        self._memory.keep_entries(entries)
        kept = {entry.id for entry in entries}
        gone = [entry.id for entry in before if entry.id not in kept]
        # By id, for weeks without a notifier leave thousands of entries.
        known = {entry.id: entry for entry in before}
        changed = [entry for entry in entries if known.get(entry.id) != entry]

        def write(connection: Connection) -> None:
            outbox.remove(connection, gone)
            outbox.write(connection, changed)

        self._write(write, self._now, durable=False)

    def delivered(self, entry: QueuedMessage, now: Now) -> None:
        """Take `entry` out of the outbox; its row stays, with its end."""
        self._memory.delivered(entry, now)
        self._backlog.add_ended(replace(entry, ended=now))

        def write(connection: Connection) -> None:
            self._backlog.write(connection)
            documents.put(connection, documents.WRITTEN, self._boot)

        self._write(write, now)

    # --- the pause ------------------------------------------------------------------------

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, which another process may have written."""
        self._now = now
        if self._file.connection is not None and not self._behind:
            try:
                self._memory.pause(pause.read(self._file.connection, self._boot))
            except _FAULTS as error:
                self._fail(error)
        return self._memory.paused_until(now)

    def pause(self, until: Now | None) -> None:
        """Begin or end a pause."""
        self._memory.pause(until)
        self._paused_here = True
        self._write(self._write_pause, self._now)

    # --- the history ----------------------------------------------------------------------

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Add one round to the history, without an fsync: at worst power loss takes a round."""
        self._memory.record(readings, now)
        self._backlog.add_round(readings, now)

        def write(connection: Connection) -> None:
            retention.make_room(connection)
            if self._sweeper.is_due(now):
                retention.expire(connection, now.wall)
            self._backlog.write(connection)
            documents.put(connection, documents.WRITTEN, self._boot)

        self._write(write, now, durable=False)

    def close(self) -> None:
        """Finish writing, and let go of the file."""
        if self._restored and self._behind:
            self._catch_up(force=True)
            if self._behind:
                self._say(f"mailwatch ends, and what {self._file.path} lacks is forgotten.")
        self._file.close()

    # --- writing --------------------------------------------------------------------------

    @property
    def _boot(self) -> Boot:
        return Boot(self._boot_id, self._now)

    def _write(self, job: Job | None, now: Now, durable: bool = True) -> None:
        """Do `job` in a transaction, or all that was left undone; None is no news."""
        self._now = now
        if self._file.connection is not None and not self._behind:
            if job is None:
                return
            try:
                with self._file.transaction(durable) as connection:
                    job(connection)
            except _FAULTS as error:
                self._fail(error)
            else:
                self._caught_up()
                return
        self._catch_up(force=job is not None and durable)

    def _catch_up(self, force: bool) -> None:
        """Write everything, if it is time to try again or `force`."""
        if not (self._restoring or self._restored):
            return
        if not force and self._now.steady < self._retry_at:
            return
        try:
            connection = self._open()
            with transaction(connection):
                self._write_everything(connection)
        except _FAULTS as error:
            self._fail(error)
            self._retry_at = self._now.steady + RETRY_S
            self._complain(error)
        else:
            self._caught_up()

    def _write_everything(self, connection: Connection) -> None:
        state = self._memory.restore(self._now)
        retention.make_room(connection)
        self._backlog.write(connection)
        incidents.write_state(connection, state)
        incidents.close_others(connection, state.incident, self._now)
        documents.put(connection, documents.NOTES, self._memory.notes())
        outbox.keep_only(connection, self._memory.entries(), self._memory.next_id)
        if self._paused_here:
            self._write_pause(connection)
        documents.put(connection, documents.WRITTEN, self._boot)

    def _write_pause(self, connection: Connection) -> None:
        pause.write(connection, self._memory.paused_until(self._now), self._boot_id)

    def _caught_up(self) -> None:
        lost = self._backlog.rounds_lost
        self._backlog.clear()
        self._behind = False
        self._paused_here = False
        self._retry_at = float("-inf")
        self._file.succeed()
        if self._troubled:
            self._troubled = False
            what = f"the readings of {lost} rounds were" if lost else "nothing was"
            self._say(f"{self._file.path} can be written again, and {what} lost.")

    # --- what goes wrong ------------------------------------------------------------------

    def _fail(self, error: Exception) -> None:
        self._behind = True
        self._file.fail(error)

    def _complain(self, error: Exception) -> None:
        if not self._troubled:
            self._troubled = True
            why, advice = reason(error)
            self._say(
                f"Cannot write the state file {self._file.path}, for {why}: mailwatch watches, "
                f"restarts and tells as before, but would forget all if it were ended now; "
                f"{advice}."
            )

    # --- opening --------------------------------------------------------------------------

    def _open(self) -> Connection:
        connection = self._connect()
        if not self._loaded:
            try:
                self._take_over(load(connection, self._boot))
            except Exception as error:
                if not is_damage(error):
                    raise
                self._file.fail(error)
                connection = self._connect()
                self._loaded = True
        return connection

    def _connect(self) -> Connection:
        timeout_s = OPEN_TIMEOUT_S if self._restoring else BUSY_TIMEOUT_S
        try:
            connection, is_new = self._file.open(self._now, timeout_s)
        except _FAULTS as error:
            if self._restoring and not is_lock(error):
                with suppress(*_FAULTS, Unusable, ValueError, TypeError, LookupError):
                    self._take_over(load_unwritable(self._file.path, self._boot))
            raise
        self._paused_here |= is_new
        return connection

    def _take_over(self, found: MemoryStore) -> None:
        self._loaded = True
        if self._restoring:
            self._memory = found
            return
        # Too late for the state: the machine has gone on from an empty one.
        add_late(self._memory, found, self._now)
        incident = found.restore(self._now).incident
        if incident is not None:
            self._say(
                f"{self._file.path} could not be read as mailwatch started: incident {incident.id} "
                "in it is taken as over, and what fails now is a new one."
            )
