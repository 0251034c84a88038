"""Threads that are kept between rounds, because to start one costs more than some checks do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue  # noqa: TID251  # faster, and waited for without a timeout

from mailwatch.host import threads

KEPT = 8
"""How many wait for work at least, whatever `keep` says."""

PATIENCE_S = 0.001
"""How long a patient task waits for a thread that another task is about to leave, at most."""

_LEAST_PATIENCE_S = 0.00001

Task = Callable[[], None]


class Workers:
    """As many daemon threads as there are tasks at one moment; a stuck one delays no other.

    To start a thread, with OpenSSL's random generator for it, costs about 0.25 ms of CPU; to hand
    a task to a waiting one 0.01 ms. A waiting one holds about 20 KiB of memory.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._idle = 0
        self._kept = KEPT
        self._full_patience_s = self._patience_s = patience_s
        self._tasks: SimpleQueue[Task] = SimpleQueue()

    def keep(self, count: int) -> None:
        """Let up to `count` (>= 0) threads wait for work from now on; any more threads end."""
        with self._lock:
            self._kept = max(KEPT, count)

    def run(self, task: Task, *, patient: bool = False) -> None:
        """Run `task` (which raises nothing) on a thread of its own, at once.

        A `patient` one gives the threads at work a moment to become free first, so that a few of
        them serve a crowd of quick tasks; each wait in vain halves the next, so that a crowd of
        slow ones begins two patiences later, not each of its tasks one.

        Raises RuntimeError where the system allows no further thread.
        """
        with self._lock:
            if self._idle:
                self._patience_s = self._full_patience_s
            elif patient and self._patience_s >= _LEAST_PATIENCE_S:
                freed = self._freed.wait(self._patience_s)
                self._patience_s = self._full_patience_s if freed else self._patience_s / 2
            # Each idle worker is promised to one task, so a task never waits behind another.
            if waiting := self._idle > 0:
                self._idle -= 1
        if waiting:
            self._tasks.put(task)
        else:
            threads.start(lambda: self._work(task), "probe")

    def _work(self, first: Task) -> None:
        task = first
        while True:
            task()
            del task  # or it and all that it holds would live until the next one
            with self._lock:
                if self._idle >= self._kept:
                    return
                self._idle += 1
                self._freed.notify()
            task = self._tasks.get()


WORKERS = Workers()
"""The ones that all rounds share."""
