"""The store on disk: every change is in memory first, and the file follows when it can."""

from __future__ import annotations

import os
import sqlite3
from collections import deque
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import fields, replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from mailwatch.core.codec import moved
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident, Stage, State
from mailwatch.host.clocks import WallClock
from mailwatch.store import documents, history, retention
from mailwatch.store.base import Commit, Memory, Store
from mailwatch.store.boot import Boot, boot_id, shift_s
from mailwatch.store.connection import (
    BUSY_TIMEOUT_S,
    NONSENSE,
    OPEN_TIMEOUT_S,
    is_damage,
    is_lock,
    open_unwritable,
    reason,
)
from mailwatch.store.files import NAME, Unusable
from mailwatch.store.state_file import Say, StateFile

QUIET_READINGS = 500
"""How many readings may wait in a quiet time, about 0.5 MB."""

WAITING_READINGS = 4000
"""Readings that wait for a file that cannot be written: more than a day at the defaults."""

RETRY_S = 10.0
"""How long to leave a file alone that could not be written, unless there is news to keep."""

_TROUBLES = (sqlite3.Error, OSError, *NONSENSE)
"""What writing may meet, which reads some rows again."""


class SqliteStore(Store):
    """Keeps everything in `mailwatch.db` as well, the rounds of a quiet time somewhat later.

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
        self._now = Now(0.0, 0.0)
        self._written: Memory | None = None
        """What the file holds, None where it may lack something: it is then written whole."""
        self._written_at = float("-inf")
        # What memory has let go of, and the file does not have yet.
        self._closed: list[Incident] = []
        self._ended: list[QueuedMessage] = []
        self._rounds: deque[tuple[tuple[Reading, ...], Now]] = deque()
        self._rounds_lost = 0
        self._passed: Sequence[str] | None = None
        """The services of the last round, None where not all was well."""
        self._wall_clock = WallClock()
        self._sweep_at = 0.0
        self._restored = False
        self._loaded = False
        self._retry_at: float | None = None
        """When (steady) to try again to write, None while the file can be written."""

    def restore(self, now: Now) -> State:
        """Open the file, and return the state as it was last committed, on this boot's clock."""
        if not self._restored:
            # Above any id that may be in the file, should it become readable only later.
            self._memory = Memory(next_id=max(1, int(now.wall)))
            self._now = now
            self._write()
            self._restored = True
        return self._memory.state

    def commit(self, commit: Commit) -> None:
        """Keep all of it in one transaction; costs nothing when nothing is new."""
        before, closed = self._memory, commit.closed
        super().commit(commit)
        self._now = commit.now
        left, now_open = before.state.incident, commit.state.incident
        if closed is None and left and (now_open is None or now_open.id != left.id):
            closed = replace(left, closed=commit.now)
        if closed is not None:
            self._closed.append(closed)
        is_news = closed is not None or self._memory != before
        if is_news or self._written is None:
            self._write(durable=is_news)

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox; an fsync is spared, for at worst an entry leaves twice."""
        super().keep_entries(entries)
        self._write(durable=False)

    def pause(self, until: Now | None) -> None:
        """Begin or end a pause."""
        super().pause(until)
        self._write()

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Add one round to the history, without an fsync: at worst power loss takes a round.

        One that says the same as the one before, that all is well, is written with what is
        written next, and history.QUIET_S after the last write at the latest.
        """
        self._now = now
        self._rounds.append((tuple(readings), now))
        waiting = sum(len(found) for found, _ in self._rounds)
        while waiting > WAITING_READINGS and len(self._rounds) > 1:
            waiting -= len(self._rounds.popleft()[0])
            self._rounds_lost += 1
        passed = [reading.service for reading in readings if reading.verdict is Verdict.PASS]
        is_well = len(passed) == len(readings) and self._memory.state.stage is Stage.HEALTHY
        is_quiet = is_well and passed == self._passed and waiting <= QUIET_READINGS
        self._passed = passed if is_well else None
        is_due = now.steady - self._written_at >= history.QUIET_S
        if is_due or not is_quiet or self._written is None:
            self._write(durable=False)

    def close(self) -> None:
        """Finish writing, and let go of the file."""
        if self._restored and (self._rounds or self._written is None):
            self._write()
            if self._written is None:
                self._say(f"mailwatch ends, and what {self._file.path} lacks is forgotten.")
        self._file.close()

    def _end(self, entry: QueuedMessage) -> None:
        super()._end(entry)
        self._ended.append(entry)
        self._write()

    # --- writing --------------------------------------------------------------------------

    @property
    def _boot(self) -> Boot:
        return Boot(self._boot_id, self._now)

    def _write(self, durable: bool = True) -> None:
        """Write what is new in a transaction, or all of it where something was left undone."""
        if self._written is not None:
            try:
                self._write_news(durable)
            except _TROUBLES as error:
                self._fail(error)
            else:
                return
        if not durable and self._retry_at is not None and self._now.steady < self._retry_at:
            return
        try:
            self._open()
            self._write_news(durable=True)
        except _TROUBLES as error:
            self._fail(error)
            if self._retry_at is None:
                why, advice = reason(error)
                self._say(
                    f"Cannot write the state file {self._file.path}, for {why}: mailwatch "
                    "watches, restarts and tells as before, but would forget all if it were "
                    f"ended now; {advice}."
                )
            self._retry_at = self._now.steady + RETRY_S

    def _write_news(self, durable: bool) -> None:
        memory, written, now = self._memory, self._written, self._now
        with self._file.transaction(durable) as connection:
            retention.make_room(connection)
            if self._wall_clock.is_believed(now) and now.steady >= self._sweep_at:
                self._sweep_at = now.steady + retention.EVERY_S
                retention.expire(connection, now.wall)
            if written is None or memory.entries is not written.entries:
                known = documents.waiting(connection) if written is None else written.entries
                documents.keep_only(connection, memory.entries, known)
            documents.put_entries(connection, self._ended)
            for incident in self._closed:
                documents.put_incident(connection, incident)
            history.add(connection, self._rounds)
            if written is None or memory.state != written.state:
                documents.put_state(connection, memory.state)
            if written is None or memory.notes != written.notes:
                documents.put(connection, documents.NOTES, memory.notes)
            if written is None:
                documents.close_others(connection, memory.state.incident, now)
            if written is None or memory.paused_until != written.paused_until:
                until = memory.paused_until
                documents.put(connection, documents.PAUSE, until and Boot(self._boot_id, until))
            documents.put(connection, documents.WRITTEN, self._boot)
        self._written, self._written_at = memory, now.steady
        self._closed, self._ended = [], []
        self._rounds.clear()
        if self._retry_at is not None:
            lost = self._rounds_lost
            what = f"the readings of {lost} rounds were" if lost else "nothing was"
            self._say(f"{self._file.path} can be written again, and {what} lost.")
        self._retry_at, self._rounds_lost = None, 0

    def _fail(self, error: Exception) -> None:
        self._written = None
        self._file.fail(error)

    # --- opening, and taking over what the file holds -------------------------------------

    def _open(self) -> None:
        timeout_s = BUSY_TIMEOUT_S if self._restored else OPEN_TIMEOUT_S
        path = self._file.path
        try:
            connection = self._file.open(self._now, timeout_s)
        except _TROUBLES as error:
            if not self._restored and not is_lock(error):
                with suppress(*_TROUBLES, Unusable), closing(open_unwritable(path)) as readable:
                    self._take_over(_load(readable, self._boot))
            raise
        if not self._loaded:
            try:
                self._take_over(_load(connection, self._boot))
            except Exception as error:
                if not is_damage(error):
                    raise
                self._loaded = True
                self._file.fail(error)
                self._open()

    def _take_over(self, found: Memory) -> None:
        self._loaded = True
        if not self._restored:
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
    found = Memory(
        documents.get_state(connection),
        documents.get(connection, documents.NOTES, Notes) or Notes(),
        documents.waiting(connection),
        documents.next_id(connection),
    )
    by = shift_s(written.at, boot.at, written.is_same(boot)) if written else 0.0
    return replace(
        moved(found, by),
        paused_until=_end_of(documents.get(connection, documents.PAUSE, Boot), boot),
    )


def _end_of(pause: Boot | None, boot: Boot) -> Now | None:
    """Return the end of `pause` on the steady clock of `boot`, None where there is none.

    A pause that was begun before a reboot ends by the wall clock.
    """
    if pause is None or pause.is_same(boot):
        return None if pause is None else pause.at
    return Now(boot.at.steady + pause.at.wall - boot.at.wall, pause.at.wall)


def _with_late(memory: Memory, found: Memory) -> Memory:
    """Return `memory` with the entries and notes of `found`, which came too late for the state.

    Where both know something of the same service, `memory` is newer and stays. Entries found
    come first; those after them keep the ids that were handed out.
    """
    joined = {
        name: _joined(getattr(found.notes, name), getattr(memory.notes, name))
        for name in ("certificates", "proven", "unmeasured_services")
    }
    late, entries = found.entries, memory.entries
    if late and entries and late[-1].id >= entries[0].id:
        first = entries[0].id - len(late)
        late = tuple(replace(entry, id=first + i) for i, entry in enumerate(late))
    return replace(memory, notes=replace(memory.notes, **joined), entries=(*late, *entries))


def _joined(old: Any, new: Any) -> Any:
    """Return `new` with what only `old` knows: both are made of mappings and sets."""
    names = [field.name for field in fields(new)]
    return replace(new, **{name: getattr(old, name) | getattr(new, name) for name in names})
