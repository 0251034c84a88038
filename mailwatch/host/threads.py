"""Starts the threads beside the main one, which none of them keeps from its last words."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from mailwatch.core.facts import fact

WITHOUT = fact("no-thread")
"""What is so where start() raises."""


def start(job: Callable[[], object], name: str) -> threading.Thread:
    """Run `job` on a daemon thread called `name`, and return it.

    The watchdog's SIGABRT stays with the main thread: while a thread writes the traceback of
    all, its own stands still, and the main thread's is the one that matters.

    A thread is born with the mask of the one that starts it (pthread_create(3)), so SIGABRT is
    blocked around the birth: a thread that blocked it by its own first line could be given it
    before, as happened to a service that was stopped and went on with a thread just begun.

    Raises RuntimeError where the system allows no further thread.
    """
    thread = threading.Thread(target=job, name=name, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
