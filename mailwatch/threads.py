"""Starts the threads beside the main one, which none of them keeps from its last words."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

NO_THREAD = "no thread could be started: raise TasksMax of the mailwatch unit"
"""What to say where start() raises."""


def start(job: Callable[[], object], name: str) -> threading.Thread:
    """Run `job` on a daemon thread called `name`, and return it.

    The watchdog's SIGABRT stays with the main thread: while a thread writes the traceback of
    all, its own stands still, and the main thread's is the one that matters.

    Raises RuntimeError where the system allows no further thread.
    """

    def work() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
        job()

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
