"""Getting hold of a state file whatever is found in its place, and the sentences about that."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection

from mailwatch.store.connection import code_of, open_for_writing
from mailwatch.store.files import Unusable, create, set_aside

Say = Callable[[str], None]
"""Writes one sentence to the log."""


def open_or_begin_anew(
    path: Path, max_bytes: int, timeout_s: float, wall: float, say: Say, expected: bool
) -> tuple[Connection, bool]:
    """Return a connection to the file at `path`, and whether the file is a new one.

    What cannot be used is set aside, which `say` is told, and so is that a file was `expected`
    where there is none. Raises OSError and sqlite3.Error.
    """
    is_new = False
    while True:
        try:
            return open_for_writing(path, max_bytes, timeout_s), is_new
        except FileNotFoundError:
            if is_new:
                raise
            path.parent.mkdir(0o750, exist_ok=True)
            create(path)
            is_new = True
            if expected:
                say(f"{path} was gone, and the history with it; mailwatch has made it anew.")
        except Unusable as unusable:
            if is_new:
                raise OSError(errno.EIO, f"{path} cannot be read after it was made") from unusable
            put_aside(path, unusable, wall, say)
            expected = False


def put_aside(path: Path, unusable: Unusable, wall: float, say: Say) -> None:
    """Set the file aside and say so; raises OSError."""
    aside = set_aside(path, unusable.kind, wall)
    say(
        f"The state file {path} cannot be used, for {unusable}; it is kept as {aside.name}, and "
        "mailwatch begins with an empty memory. "
        f"{_ADVICE[unusable.kind]}"
    )


_ADVICE = {
    "damaged": "Look for disk errors in the kernel's log; the file can then be removed.",
    "foreign": "Find out who put it there, and move it to where it belongs.",
    "newer": "To have its history back, install the newer version again, stop the service, and "
    "rename the file.",
}


def reason(error: Exception) -> tuple[str, str]:
    """Return why the file cannot be written, and what to do about it, as two half sentences."""
    if isinstance(error, OSError):
        kind = _BY_ERRNO.get(error.errno or 0, "io")
    elif isinstance(error, sqlite3.Error):
        kind = _BY_CODE.get(code_of(error), "io")
    else:
        kind = "io"
    return _REASONS[kind]


_BY_ERRNO = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOENT: "denied",
    errno.ENOTDIR: "denied",
}

_BY_CODE = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "denied",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_AUTH: "denied",
    sqlite3.SQLITE_CANTOPEN: "denied",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
}

_REASONS = {
    "full": ("its disk is full", "make room on it"),
    "denied": (
        "it may not be written",
        "see that its directory exists, is writable and belongs to the service's user",
    ),
    "locked": ("another program has locked it", "end that program"),
    "io": ("the disk reports an error", "look for disk errors in the kernel's log"),
}
