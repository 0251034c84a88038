"""Makes the state file hold what is in memory: opens it, loads it, writes what is new."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import Connection, Error

from mailwatch.core.codec import moved
from mailwatch.core.model import Now, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident
from mailwatch.host.clocks import WallClock
from mailwatch.store import documents, history, retention
from mailwatch.store.base import Memory
from mailwatch.store.boot import Boot, boot_id, end_of, shift_s
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

WAITING_READINGS = 4000
"""Readings that wait for a file that cannot be written: more than a day at the defaults."""

RETRY_S = 10.0
"""How long to leave a file alone that could not be written, unless there is news to keep."""

_TROUBLES = (Error, OSError, *NONSENSE)
"""What writing may meet, which reads some rows again."""


@dataclass(slots=True)
class Work:
    """What the file shall hold: the memory of one moment, and what memory has let go of since.

    `number` counts the works; a file that holds one of them has all before it, too.
    """

    memory: Memory
    now: Now
    number: int
    durable: bool
    knows: bool
    """Whether `memory` has taken in what was found in the file."""
    closed: list[Incident] = field(default_factory=list)
    ended: list[QueuedMessage] = field(default_factory=list)
    rounds: deque[tuple[tuple[Reading, ...], Now]] = field(default_factory=deque)
    rounds_lost: int = 0

    @property
    def waiting(self) -> int:
        """How many readings wait."""
        return sum(len(readings) for readings, _ in self.rounds)

    def limit(self) -> None:
        """Let go of the oldest rounds beyond WAITING_READINGS."""
        waiting = self.waiting
        while waiting > WAITING_READINGS and len(self.rounds) > 1:
            waiting -= len(self.rounds.popleft()[0])
            self.rounds_lost += 1

    def followed_by(self, later: Work) -> Work:
        """Return what is left to do when `later` comes before this is done."""
        joined = replace(
            later,
            durable=self.durable or later.durable,
            closed=[*self.closed, *later.closed],
            ended=[*self.ended, *later.ended],
            rounds=self.rounds + later.rounds,
            rounds_lost=self.rounds_lost + later.rounds_lost,
        )
        joined.limit()
        return joined


@dataclass(frozen=True, slots=True)
class Found:
    """What was in the file when it was opened for the first time, on the steady clock of now."""

    memory: Memory
    number: int
    """The number of the last work that the file holds."""


class FileWriter:
    """Writes one work after the other; used by one thread at a time, and may wait for the disk.

    `claim` is called before the file is looked at for the first time.
    """

    def __init__(
        self,
        directory: Path,
        say: Say,
        max_bytes: int,
        boot: str | None,
        claim: Callable[[], None],
    ) -> None:
        self.found: Found | None = None
        """What was loaded, None before that and where there was nothing to load."""
        self._file = StateFile(directory / NAME, max_bytes, say)
        self._say = say
        self._boot_id = boot_id(os.environ) if boot is None else boot
        self._claim: Callable[[], None] | None = claim
        self._written: Memory | None = None
        """What the file holds, None where it may lack something: it is then written whole."""
        self._left: Work | None = None
        self._wall_clock = WallClock()
        self._sweep_at = 0.0
        self._loaded = False
        self._opened = False
        self._retry_at: float | None = None
        """When (steady) to try again to write, None while the file can be written."""

    def boot(self, now: Now) -> Boot:
        """Return which run of the kernel this is, with its clocks at `now`."""
        return Boot(self._boot_id, now)

    def write(self, work: Work) -> bool:
        """Do `work`, and what was left undone before it; return whether the file holds it now.

        Nothing is written by a work that does not know what was found. Raises what `claim` raises.
        """
        if self._claim is not None:
            self._claim()
            self._claim = None
        work = self._left = work if self._left is None else self._left.followed_by(work)
        if self._written is not None:
            try:
                self._write_news(work, work.durable)
            except _TROUBLES as error:
                self._fail(error)
            else:
                return True
        waits = self._retry_at is not None and work.now.steady < self._retry_at
        if not work.durable and waits:
            return False
        try:
            self._open(work.now)
            if self.found is not None and not work.knows:
                return False
            self._write_news(work, durable=True)
        except _TROUBLES as error:
            self._fail(error)
            if self._retry_at is None:
                why, advice = reason(error)
                self._say(
                    f"Cannot write the state file {self._file.path} because {why}: mailwatch "
                    "watches, restarts and tells as before, but would forget all if it were "
                    f"ended now; {advice}."
                )
            self._retry_at = work.now.steady + RETRY_S
            return False
        return True

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write_news(self, work: Work, durable: bool) -> None:
        memory, written, now = work.memory, self._written, work.now
        with self._file.transaction(durable) as connection:
            retention.make_room(connection)
            if self._wall_clock.is_believed(now) and now.steady >= self._sweep_at:
                self._sweep_at = now.steady + retention.EVERY_S
                retention.expire(connection, now.wall)
            if written is None or memory.entries is not written.entries:
                known = documents.waiting(connection) if written is None else written.entries
                documents.keep_only(connection, memory.entries, known)
            documents.put_entries(connection, work.ended)
            for incident in work.closed:
                documents.put_incident(connection, incident)
            history.add(connection, work.rounds)
            if written is None or memory.state != written.state:
                documents.put_state(connection, memory.state)
            if written is None or memory.notes != written.notes:
                documents.put(connection, documents.NOTES, memory.notes)
            if written is None:
                documents.close_others(connection, memory.state.incident, now)
            if written is None or memory.paused_until != written.paused_until:
                until = memory.paused_until
                documents.put(connection, documents.PAUSE, until and self.boot(until))
            documents.put(connection, documents.WRITTEN, self.boot(now))
            documents.put(connection, documents.NUMBER, work.number)
        self._written, self._left = memory, None
        if self._retry_at is not None:
            lost = work.rounds_lost
            what = f"the readings of {lost} rounds were" if lost else "nothing was"
            self._say(f"{self._file.path} can be written again, and {what} lost.")
        self._retry_at = None

    def _fail(self, error: Exception) -> None:
        self._written = None
        self._file.fail(error)

    # --- opening, and loading what the file holds -----------------------------------------

    def _open(self, now: Now) -> None:
        timeout_s = BUSY_TIMEOUT_S if self._opened else OPEN_TIMEOUT_S
        first, self._opened = not self._opened, True
        boot = self.boot(now)
        try:
            connection = self._file.open(now, timeout_s)
        except _TROUBLES as error:
            if first and not is_lock(error):
                with (
                    suppress(*_TROUBLES, Unusable),
                    closing(open_unwritable(self._file.path)) as readable,
                ):
                    self._load(readable, boot)
            raise
        if not self._loaded:
            try:
                self._load(connection, boot)
            except Exception as error:
                if not is_damage(error):
                    raise
                self._loaded = True
                self._file.fail(error)
                self._open(now)

    def _load(self, connection: Connection, boot: Boot) -> None:
        self.found = _load(connection, boot)
        self._loaded = True


def _load(connection: Connection, boot: Boot) -> Found:
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
    is_same = written is None or written.is_same(boot)
    found = moved(found, shift_s(written.at, boot.at, is_same) if written else 0.0)
    if not is_same:
        found = replace(found, state=replace(found.state, booted=boot.at))
    pause = documents.get(connection, documents.PAUSE, Boot)
    number = documents.get(connection, documents.NUMBER, int) or 0
    until = None if pause is None else end_of(pause, boot)
    return Found(replace(found, paused_until=until), number)
