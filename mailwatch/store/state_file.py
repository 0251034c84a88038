"""The open state file through all that happens to it: locked, damaged, replaced, gone."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store.connection import (
    BUSY_TIMEOUT_S,
    LOCKED_TIMEOUT_S,
    is_damage,
    is_lock,
    open_for_writing,
    transaction,
)
from mailwatch.store.files import Unusable, create, set_aside

Say = Callable[[str], None]
"""Writes one sentence to the log."""

_SET_ASIDE_AGAIN_S = 3600.0


class StateFile:
    """Knows whether the file is open; who meets a fault of it tells fail(), and opens it again."""

    def __init__(self, path: Path, max_bytes: int, say: Say) -> None:
        self.path = path
        self.connection: Connection | None = None
        """The connection, None while the file is not open."""
        self._max_bytes = max_bytes
        self._say = say
        self._inode: tuple[int, int] | None = None
        self._patience_s = BUSY_TIMEOUT_S
        self._condemned = False
        self._set_aside_after = float("-inf")

    def open(self, now: Now, timeout_s: float) -> Connection:
        """Return the connection to the file that has the name now.

        A lock of somebody else is waited for `timeout_s` seconds. What cannot be used, or made no
        sense to the caller, is set aside first. Raises OSError and sqlite3.Error.
        """
        if self.connection is not None and self._has_name():
            return self.connection
        self.close()
        if self._condemned and now.steady >= self._set_aside_after:
            self._set_aside_after = now.steady + _SET_ASIDE_AGAIN_S  # not again and again
            self._set_aside(Unusable("damaged", "its content makes no sense"), now)
        self._condemned = is_new = False
        while self.connection is None:
            try:
                self.connection = open_for_writing(self.path, self._max_bytes, timeout_s)
            except FileNotFoundError:
                if is_new:
                    raise
                self.path.parent.mkdir(0o750, exist_ok=True)
                create(self.path)
                is_new = True
                if self._inode is not None:
                    self._say(
                        f"{self.path} was gone, and the history with it; mailwatch has made it "
                        "anew."
                    )
            except Unusable as unusable:
                if is_new:
                    again = f"{self.path} cannot be read after it was made"
                    raise OSError(errno.EIO, again) from unusable
                self._set_aside(unusable, now)
        self._patience_s = BUSY_TIMEOUT_S
        self._inode = self._found_inode()
        return self.connection

    @contextmanager
    def transaction(self, durable: bool) -> Iterator[Connection]:
        """Do all of the block or nothing of it, in the file that has the name now.

        Raises OSError where that is another file than the open one, and sqlite3.Error.
        """
        if self.connection is None or not self._has_name():
            raise FileNotFoundError(f"{self.path} is not open, or was replaced")
        self.connection.execute(f"PRAGMA busy_timeout = {int(self._patience_s * 1000)}")
        with transaction(self.connection, durable):
            yield self.connection
        # A lock is worth waiting for again.
        self._patience_s = BUSY_TIMEOUT_S

    def fail(self, error: Exception) -> None:
        """Take note of a fault: the file is let go of, unless somebody else has locked it."""
        if is_damage(error):
            self._condemned = True
        if is_lock(error):
            self._patience_s = LOCKED_TIMEOUT_S
        else:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self.connection is not None:
            with suppress(sqlite3.Error):
                self.connection.close()
        self.connection = None

    def _set_aside(self, unusable: Unusable, now: Now) -> None:
        aside = set_aside(self.path, unusable.kind, now.wall)
        self._inode = None
        self._say(
            f"The state file {self.path} cannot be used because {unusable}; it is kept as "
            f"{aside.name}, and mailwatch begins with an empty memory. {_ADVICE[unusable.kind]}"
        )

    def _has_name(self) -> bool:
        """Whether the file that is open still has its name."""
        with suppress(OSError):
            return self._found_inode() == self._inode
        return False

    def _found_inode(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_dev, found.st_ino


_ADVICE = {
    "damaged": "Look for disk errors in the kernel's log; the file can then be removed.",
    "foreign": "Find out who put it there, and move it to where it belongs.",
    "newer": "To have its history back, install the newer version again, stop the service, and "
    "rename the file.",
}
