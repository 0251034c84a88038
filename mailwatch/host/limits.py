"""What this process or its host has run out of, told from a fault of ours and from the peer's."""

from __future__ import annotations

import errno

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.host import threads

_LIMITS = {
    errno.EMFILE: fact("no-descriptor"),
    errno.ENFILE: fact("no-file-on-host"),
    errno.ENOMEM: fact("no-memory-left"),
    errno.ENOBUFS: fact("no-buffer"),
}


def limit_of(error: BaseException) -> Fact:
    """Return what `error` says has run out, as a clause with what to do; NOTHING for another."""
    if isinstance(error, MemoryError):
        return _LIMITS[errno.ENOMEM]
    if isinstance(error, OSError):
        return _LIMITS.get(error.errno or 0, NOTHING)
    # CPython has no class of its own for what pthread_create(3) answers with EAGAIN.
    no_thread = type(error) is RuntimeError and str(error) == "can't start new thread"
    return threads.WITHOUT if no_thread else NOTHING
