"""The files of a state directory: its lock; making, knowing and setting aside the state file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from mailwatch.store.schema import APPLICATION_ID, migrate

NAME = "mailwatch.db"
LOCK = "mailwatch.lock"
MODE = 0o640
"""The group may read: that is what `mailwatch status` needs."""

COMPANIONS = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database, and that mean nothing without it."""

KEPT_ASIDE = 5
"""A disk that damages a file a day must not fill up with what was set aside."""

_MAGIC = b"SQLite format 3\0"


class StoreError(Exception):
    """The state directory cannot be used; `str()` is one sentence that says what to do."""


class Unusable(Exception):
    """The file is not one that this mailwatch can go on with; `str()` is half a sentence.

    `kind` is one word for the name that the file gets: damaged, foreign or newer.
    """

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind


def lock(directory: Path) -> None:
    """Lock `directory` until this process ends, however it ends (flock(2)).

    Two services on it would restart the same container twice: raises StoreError when another
    has it. A directory that cannot be written locks nothing: watching never depends on the disk.
    """
    with suppress(OSError):
        descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreError(
                f"Another mailwatch is running on {directory}: stop it with `systemctl stop "
                "mailwatch`, or give this one a directory of its own with [state] directory."
            ) from None


def check_header(path: Path) -> None:
    """Look at the first bytes of `path` before SQLite does, which would alter some files.

    Raises Unusable, and OSError where there is nothing to look at. The format is described in
    https://www.sqlite.org/fileformat.html#the_database_header.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise Unusable("foreign", "it is not a regular file")
    with path.open("rb") as file:
        header = file.read(100)
    if not header.strip(b"\0"):
        raise Unusable("damaged", "it is empty" if not header else "it begins with zero bytes")
    if not header.startswith(_MAGIC):
        raise Unusable("foreign", "it is not an SQLite database")
    if len(header) < 100:
        raise Unusable("damaged", "it is cut short")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise Unusable("foreign", "it is the database of another program")


def create(path: Path) -> None:
    """Make a new file with empty tables, whole or not at all; raises OSError and sqlite3.Error."""
    new = path.with_name(f"{path.name}.new")
    for stale in (*_with_companions(new), *_with_companions(path)[:-1]):
        stale.unlink(missing_ok=True)
    new.touch(MODE, exist_ok=False)
    new.chmod(MODE)
    with closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        migrate(connection)
    new.rename(path)
    # A rename lasts once its directory is synced, see fsync(2).
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path, kind: str, wall: float) -> Path:
    """Rename the file and its companions, and return its new name; raises OSError.

    The oldest of those that were set aside before are removed beyond KEPT_ASIDE.
    """
    moment = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = first = path.with_name(f"{path.name}.{kind}-{moment}")
    numbers = count(2)
    while os.path.lexists(aside):
        aside = Path(f"{first}-{next(numbers)}")
    for old, new in zip(_with_companions(path), _with_companions(aside), strict=True):
        with suppress(FileNotFoundError):
            old.rename(new)
    _remove_oldest(path)
    return aside


def _remove_oldest(path: Path) -> None:
    aside = [
        file
        for kind in ("damaged", "foreign", "newer")
        for file in path.parent.glob(f"{path.name}.{kind}-*Z*")
        if file.is_file() and not file.name.endswith(COMPANIONS)
    ]
    aside.sort(key=lambda file: file.name.split("-", 1)[1])
    for old in aside[:-KEPT_ASIDE]:
        for file in _with_companions(old):
            file.unlink(missing_ok=True)


def _with_companions(path: Path) -> list[Path]:
    """Return all files of one database, itself last.

    A -wal that stayed behind would be taken for that of the next file of the name.
    """
    return [Path(f"{path}{suffix}") for suffix in (*COMPANIONS, "")]
