"""The store on disk: every change is in memory first, and the file follows when it can.

The file is written off the loop's thread. The loop waits for the disk, but not for long: from
then on it goes on with what it has in memory, of which a copy is in the runtime directory.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.say import line
from mailwatch.core.state import Incident, Stage, State
from mailwatch.host.job import Job
from mailwatch.host.threads import WITHOUT
from mailwatch.store import history, retention
from mailwatch.store.base import Commit, Memory, Store
from mailwatch.store.files import StoreError
from mailwatch.store.late import with_late
from mailwatch.store.spare import Copy, Spare
from mailwatch.store.state_file import Say
from mailwatch.store.writer import FileWriter, Found, Work

QUIET_READINGS = 500
"""How many readings may wait in a quiet time, about 0.5 MB."""

START_S = 15.0
"""How long a start waits for what the file holds; somebody else's lock is waited for less."""

PATIENCE_S = 2.0
"""How long the loop waits for the disk to take a change.

A disk that took longer is not waited for at all until it was quicker once.
"""

END_S = 0.5
"""How long a process that ends waits for the disk."""


class SqliteStore(Store):
    """Keeps everything in `mailwatch.db` as well, the rounds of a quiet time somewhat later.

    `say` is given one sentence for the log when the file cannot be written, and when it can be
    again; any thread may call it. `max_bytes` (>= 1 MiB) bounds the file; its -wal file adds about
    4 MiB. `runtime` is the directory for the copy, and `claim` is called before anything is read.
    """

    def __init__(
        self,
        directory: Path,
        say: Say,
        max_bytes: int = retention.MAX_BYTES,
        boot: str | None = None,
        runtime: Path | None = None,
        claim: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.directory = str(directory)
        self._say = say
        self._spare = None if runtime is None else Spare(runtime)
        self._now = Now(0.0, 0.0)
        # What memory has let go of, and was not handed on yet.
        self._closed: list[Incident] = []
        self._ended: list[QueuedMessage] = []
        self._rounds: deque[tuple[tuple[Reading, ...], Now]] = deque()
        self._passed: Sequence[str] | None = None
        """The services of the last round, None where not all was well."""
        self._written_at = float("-inf")
        self._restored = False
        self._knows = False
        """Whether memory has taken in what the file held."""
        self._number = 0
        """That of the last work."""
        self._patience_s = PATIENCE_S
        self._late: tuple[int, float] | None = None
        """The first work that the disk was late with, and when (steady) it was handed on."""
        self._handed_at = 0.0
        """When (steady) the first work was handed on that was not tried yet."""
        self._copied: Memory | None = None
        """The memory of which there is a copy, None without one."""
        # What memory has let go of, and the file may not hold.
        self._unheld_incidents: list[Incident] = []
        self._unheld_entries: list[QueuedMessage] = []
        """Since when (steady) the disk does not answer, None while it does."""
        # What the loop and the thread that writes share.
        self._writer = FileWriter(directory, say, max_bytes, boot, claim)
        self._shared = threading.Condition()
        self._to_do: Work | None = None
        self._closing = False
        self._busy = False
        self._done = 0
        """The number of the last work that was tried."""
        self._held = 0
        """The number of the last work that the file holds."""
        self._slow = False
        self._refused: StoreError | None = None

    @property
    def silent_since(self) -> float | None:
        """Since when (steady) the disk has not taken a work that it was late with; or None."""
        with self._shared:
            if self._late is None or self._done >= self._late[0]:
                return None
            return self._late[1]

    def hurry(self) -> None:
        """Wait for the disk no longer from now on than a process that ends can."""
        self._patience_s = END_S

    def restore(self, now: Now) -> State:
        """Open the file, and return the state as it was last committed, on this boot's clock.

        Raises StoreError where `claim` does, as any other method may that writes.
        """
        if not self._restored:
            # Above any id that may be in the file, should it become readable only later.
            self._memory = Memory(next_id=max(1, int(now.wall)))
            self._now = now
            copy = None if self._spare is None else self._spare.read()
            self._hand_on(durable=True)
            self._wait(START_S)
            self._begin(copy)
            self._restored = True
            self._write()
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
        if is_news or self._is_behind:
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
        passed = [reading.service for reading in readings if reading.verdict is Verdict.PASS]
        is_well = len(passed) == len(readings) and self._memory.state.stage is Stage.HEALTHY
        is_quiet = is_well and passed == self._passed and waiting <= QUIET_READINGS
        self._passed = passed if is_well else None
        is_due = now.steady - self._written_at >= history.QUIET_S
        if is_due or not is_quiet or self._is_behind:
            self._write(durable=False)

    def close(self) -> None:
        """Finish writing, and let go of the file; waits for at most END_S."""
        until = time.monotonic() + END_S
        if self._restored and self._refused is None and (self._rounds or self._is_behind):
            self._hand_on(durable=True)
            if self._waited(until - time.monotonic()) and self._take_late():
                self._hand_on(durable=True)
                self._waited(until - time.monotonic())
            self._keep_copy()
            if self._is_behind and self._copied is not self._memory:
                self._say(line("memory-lost", directory=self.directory))
        self._closing = True
        self._start()
        with self._shared:
            self._shared.wait_for(lambda: not self._busy, max(0.0, until - time.monotonic()))

    def _end(self, entries: Sequence[QueuedMessage]) -> None:
        super()._end(entries)
        self._ended += entries
        self._write()

    # --- the loop's side ------------------------------------------------------------------

    @property
    def _is_behind(self) -> bool:
        with self._shared:
            return self._held != self._number

    @property
    def _found(self) -> Found | None:
        return self._writer.found

    def _write(self, durable: bool = True) -> None:
        """Have the file written, and wait for it as long as the loop can."""
        self._hand_on(durable)
        self._wait(0.0 if self._slow else self._patience_s)
        if self._take_late():
            self._write(durable)
        else:
            self._keep_copy()

    def _hand_on(self, durable: bool) -> None:
        if self._refused is not None:
            raise self._refused
        self._number += 1
        work = Work(self._memory, self._now, self._number, durable, self._knows)
        work.closed, work.ended, work.rounds = self._closed, self._ended, self._rounds
        self._closed, self._ended, self._rounds = [], [], deque()
        self._unheld_incidents += work.closed
        self._unheld_entries += work.ended
        with self._shared:
            if not self._busy:
                self._handed_at = time.monotonic()
            self._to_do = work if self._to_do is None else self._to_do.followed_by(work)
        self._start()

    def _waited(self, seconds: float) -> bool:
        """Wait at most for `seconds` until all that was handed on was tried; whether it was."""
        with self._shared:
            return self._shared.wait_for(lambda: self._done >= self._number, max(0.0, seconds))

    def _wait(self, seconds: float) -> None:
        """Wait for the disk as the loop does, and say where it falls silent or answers again."""
        is_done = self._waited(seconds)
        with self._shared:
            if self._refused is not None:
                raise self._refused
            self._slow = self._slow or not is_done
            if is_done and self._held == self._number:
                self._written_at = self._now.steady
            answers = self._late is not None and self._done >= self._late[0]
            if answers:
                self._late = None
            waited_s = time.monotonic() - self._handed_at
            falls_silent = not is_done and self._late is None and waited_s >= self._patience_s
            if falls_silent:
                self._late = self._number, self._handed_at
        if answers:
            self._say(line("disk-answers", directory=self.directory))
        if falls_silent:
            kept = "" if self._spare is None else str(self._spare.path.parent)
            self._say(line("disk-takes-nothing", directory=self.directory, kept=kept))

    def _keep_copy(self) -> None:
        """Have a copy of the memory in the runtime directory where the file does not hold it."""
        if not self._is_behind:
            if self._spare is not None and self._copied is not None:
                self._spare.remove()
            self._copied = None
            self._unheld_incidents, self._unheld_entries = [], []
        elif self._spare is not None and self._copied is not self._memory:
            boot = self._writer.boot(self._now)
            gone = tuple(self._unheld_incidents), tuple(self._unheld_entries)
            copy = Copy(self._memory, self._number, self._knows, boot, *gone)
            self._copied = self._memory if self._spare.keep(copy) else None

    # --- taking up what the last process has left ---------------------------------------------

    def _begin(self, copy: Copy | None) -> None:
        """Begin with what the file holds, or with the copy where that is newer."""
        with self._shared:
            found = self._found if self._done >= self._number else None
        if copy is not None and found is not None and copy.knows and copy.number <= found.number:
            copy = None
            assert self._spare is not None
            self._spare.remove()  # or a later start with a silent disk would take it for the newest
        if copy is not None:
            copy = copy.on(self._writer.boot(self._now))
            self._number = max(self._number, copy.number)
            self._memory = self._copied = copy.memory
            self._closed, self._ended = list(copy.closed), list(copy.ended)
            self._knows = copy.knows
            if found is not None and not copy.knows:
                if copy.memory.state.incident is None:
                    self._memory = replace(self._memory, state=found.memory.state)
                self._take(found, late=True)
            self._say(line("memory-restored", directory=self.directory))
        elif found is not None:
            self._take(found)
        self._knows = self._knows or found is not None

    def _take_late(self) -> bool:
        """Take in what was found in the file after the start; whether there was any."""
        with self._shared:
            found = self._found if self._done >= self._number and not self._knows else None
        if found is not None:
            self._take(found)
        return found is not None

    def _take(self, found: Found, late: bool | None = None) -> None:
        """Take in what the file held: all of it at the start, and later what is not too late."""
        self._knows = True
        self._number = max(self._number, found.number)
        if not (self._restored if late is None else late):
            self._memory = found.memory
            return
        # Too late for the state: the machine has gone on from an empty one.
        self._memory = with_late(self._memory, found.memory)
        incident = found.memory.state.incident
        if incident is not None and incident != self._memory.state.incident:
            self._say(
                f"The state file in {self.directory} could not be read as mailwatch started: "
                f"incident {incident.id} in it is taken as over, and what fails now is a new one."
            )

    # --- the side of the thread that writes ------------------------------------------------

    def _start(self) -> None:
        """See to it that a thread works off what there is to do."""
        with self._shared:
            if self._busy:
                return
            self._busy = True
        job = Job[None]("state file", Deadline.after(0.0, time.monotonic))
        job.start(self._work, self._without)

    def _without(self, why: Fact) -> None:
        if why == WITHOUT:
            self._work()
            return
        self._say(line("memory-not-written", directory=self.directory, why=why))
        with self._shared:
            self._done, self._busy = self._number, False
            self._shared.notify_all()

    def _work(self) -> None:
        while True:
            with self._shared:
                work, self._to_do = self._to_do, None
                if work is None:
                    if self._closing:
                        self._writer.close()
                    self._busy = False
                    self._shared.notify_all()
                    return
            began = time.monotonic()
            refused: StoreError | None = None
            try:
                holds = self._writer.write(work)
            except StoreError as error:
                holds, refused = False, error
            with self._shared:
                self._done = work.number
                self._refused = refused
                self._slow = time.monotonic() - began > PATIENCE_S
                if holds:
                    self._held = work.number
                self._shared.notify_all()
