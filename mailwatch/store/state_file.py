"""The open state file through all that happens to it: locked, damaged, replaced, gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from mailwatch.core.model import Now
from mailwatch.store.connection import (
    BUSY_TIMEOUT_S,
    LOCKED_TIMEOUT_S,
    be_patient,
    is_damage,
    is_lock,
    transaction,
)
from mailwatch.store.files import Unusable
from mailwatch.store.opening import Say, open_or_begin_anew, put_aside

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

    def open(self, now: Now, timeout_s: float) -> tuple[Connection, bool]:
        """Return the connection to the file that has the name now, and whether that is a new one.

        A lock of somebody else is waited for `timeout_s` seconds. Content that made no sense to
        the caller is set aside first. Raises OSError and sqlite3.Error.
        """
        if self.connection is not None:
            try:
                self._check_name()
            except OSError:
                self.close()
            else:
                return self.connection, False
        if self._condemned:
            self._condemned = False
            self._set_aside(now)
        self.connection, is_new = open_or_begin_anew(
            self.path, self._max_bytes, timeout_s, now.wall, self._say, self._inode is not None
        )
        self._patience_s = BUSY_TIMEOUT_S
        self._inode = self._found_inode()
        return self.connection, is_new

    @contextmanager
    def transaction(self, durable: bool) -> Iterator[Connection]:
        """Do all of the block or nothing of it, in the file that has the name now.

        Raises OSError where that is another file than the open one, and sqlite3.Error.
        """
        if self.connection is None:
            raise FileNotFoundError(f"{self.path} is not open")
        self._check_name()
        with transaction(self.connection, durable):
            yield self.connection

    def fail(self, error: Exception) -> None:
        """Take note of a fault: the file is let go of, unless somebody else has locked it."""
        if is_damage(error):
            self._condemned = True
        if is_lock(error):
            self._be_patient(LOCKED_TIMEOUT_S)
        else:
            self.close()

    def succeed(self) -> None:
        """Take note that the file was written: a lock is worth waiting for again."""
        self._be_patient(BUSY_TIMEOUT_S)

    def close(self) -> None:
        """Let go of the file."""
        if self.connection is not None:
            with suppress(sqlite3.Error):
                self.connection.close()
        self.connection = None

    def _check_name(self) -> None:
        if self._found_inode() != self._inode:
            raise FileNotFoundError(f"{self.path} was replaced")

    def _found_inode(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_dev, found.st_ino

    def _be_patient(self, seconds: float) -> None:
        if self.connection is not None and seconds != self._patience_s:
            with suppress(sqlite3.Error):
                be_patient(self.connection, seconds)
                self._patience_s = seconds

    def _set_aside(self, now: Now) -> None:
        """Set the file aside whose content makes no sense, but not again and again."""
        if now.steady < self._set_aside_after:
            return
        self._set_aside_after = now.steady + _SET_ASIDE_AGAIN_S
        damaged = Unusable("damaged", "its content makes no sense")
        put_aside(self.path, damaged, now.wall, self._say)
        self._inode = None
