"""Threads that are kept between rounds, because to start one costs more than some checks do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue

MAX_IDLE = 8
"""How many wait for work; a host has about as many services, and any more threads end."""

Task = Callable[[], None]


class Workers:
    """As many daemon threads as there are tasks at one moment; a stuck one delays no other.

    To start a thread, with OpenSSL's random generator for it, costs about 0.25 ms of CPU; to hand
    a task to a waiting one 0.01 ms.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle = 0
        self._tasks: SimpleQueue[Task] = SimpleQueue()

    def run(self, task: Task) -> None:
        """Run `task` (which raises nothing) on a thread of its own, at once.

        Raises RuntimeError where the system allows no further thread.
        """
        with self._lock:
            # Each idle worker is promised to one task, so a task never waits behind another.
            if waiting := self._idle > 0:
                self._idle -= 1
        if waiting:
            self._tasks.put(task)
        else:
            threading.Thread(target=self._work, args=(task,), name="probe", daemon=True).start()

    def _work(self, first: Task) -> None:
        # The watchdog's SIGABRT is for the main thread: while that one writes the traceback of
        # all threads, its own stands still, and it is the one that matters.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
        task = first
        while True:
            task()
            del task  # or it and all that it holds would live until the next one
            with self._lock:
                if self._idle >= MAX_IDLE:
                    return
                self._idle += 1
            task = self._tasks.get()


WORKERS = Workers()
"""The ones that all rounds share."""
