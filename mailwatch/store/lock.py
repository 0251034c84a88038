"""One service to a state directory: two would restart the same container twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from mailwatch.store.files import StoreError

NAME = "mailwatch.lock"

_held: list[int] = []
"""The descriptors of this process's locks; the kernel drops them when it ends, however it ends."""


def take(directory: Path) -> None:
    """Take the lock of `directory` for as long as this process lives (flock(2)).

    Raises StoreError when another process has it. A directory that cannot be written locks
    nothing: watching never depends on the disk.
    """
    try:
        descriptor = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise StoreError(
                f"Another mailwatch is running on {directory}: stop it with `systemctl stop "
                "mailwatch`, or give this one a directory of its own with [state] directory."
            ) from None
    else:
        _held.append(descriptor)
