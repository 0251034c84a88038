"""Opening the state file: for writing, brought up to date and checked, or for reading only."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import quote

from mailwatch.store.files import Unusable, check_header
from mailwatch.store.schema import VERSION, migrate, version_of

OPEN_TIMEOUT_S = 5.0
"""How long opening waits for a lock: what is not read at the start is not known later."""

BUSY_TIMEOUT_S = 0.5
"""How long one write may hold up the watch because another process has locked the file."""

LOCKED_TIMEOUT_S = 0.02
"""How long the writes after it wait, until one succeeds: SIGTERM is heard within a second."""

_LONGEST_VALUE = 32 * 1024 * 1024
"""Bytes of one text; the longest of ours is an incident with thousands of failures."""

_JOURNAL_BYTES = 4 * 1024 * 1024


def open_for_writing(path: Path, max_bytes: int, timeout_s: float) -> Connection:
    """Open the file at `path`, whose size is kept below `max_bytes`, and migrate its tables.

    A lock of somebody else is waited for `timeout_s` seconds.
    Raises Unusable for a file that must be set aside, otherwise OSError and sqlite3.Error.
    """

    def prepare(connection: Connection) -> None:
        _check_version(connection, oldest=0)
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise Unusable("damaged", "its content is damaged")
        if version_of(connection) < 1:
            raise Unusable("damaged", "its tables are missing")
        # Not before the file is known to be ours: this alters it.
        migrate(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        page_size = int(connection.execute("PRAGMA page_size").fetchone()[0])
        connection.execute(f"PRAGMA max_page_count = {max_bytes // page_size}")

    check_header(path)
    try:
        return _opened(path, "mode=rw", timeout_s, prepare)
    except Exception as error:
        if is_damage(error):
            raise Unusable("damaged", "its content is damaged") from error
        raise


def open_beside(path: Path, oldest: int = VERSION) -> Connection:
    """Open the file of a service that may be running, to read it.

    Nothing is made, migrated or set aside. Whoever may not write, and finds no -shm file of a
    running service, cannot make one; where no -wal holds anything back, nobody writes, and the
    file can be read as one that does not change (https://www.sqlite.org/wal.html#readonly).

    Raises as open_for_writing().
    """
    check_header(path)
    check = partial(_check_version, oldest=oldest)
    try:
        return _opened(path, "mode=ro", OPEN_TIMEOUT_S, check)
    except sqlite3.OperationalError as error:
        wal = Path(f"{path}-wal")
        lacks_shm = code_of(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if not lacks_shm or (wal.exists() and wal.stat().st_size):
            raise
    return _opened(path, "mode=ro&immutable=1", OPEN_TIMEOUT_S, check)


def open_unwritable(path: Path) -> Connection:
    """Open what a file holds that cannot be written; of an older version, a copy in memory.

    Its tables cannot be brought up to date where they are, on a full disk say, but there they
    can. Raises as open_for_writing().
    """
    found = open_beside(path, oldest=0)
    if version_of(found) == VERSION:
        return found
    with closing(found):
        copy = _opened(Path(), "mode=memory", OPEN_TIMEOUT_S, found.backup)
    migrate(copy)
    return copy


@contextmanager
def transaction(connection: Connection, durable: bool = True) -> Iterator[None]:
    """Do all of the block or nothing of it; raises sqlite3.Error.

    What is not `durable` survives the death of the process, but perhaps not that of the host:
    it costs no fsync (0.02 ms in place of 0.55 ms), and lasts from the next durable one on.
    """
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def code_of(error: BaseException) -> int:
    """Return SQLite's primary result code of `error`, 0 where it has none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def is_lock(error: BaseException) -> bool:
    """Whether `error` says that another process has locked the file."""
    return code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: BaseException) -> bool:
    """Whether `error` says that the content of the file makes no sense."""
    return isinstance(error, NONSENSE) or code_of(error) in _DAMAGE


NONSENSE = (ValueError, TypeError, LookupError)
"""What reading a row raises that makes no sense."""


_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,  # a table or a column is missing
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}


def reason(error: Exception) -> tuple[str, str]:
    """Return why the file cannot be written, and what to do about it, as two half sentences."""
    number, code = getattr(error, "errno", None), code_of(error)
    if number in (errno.ENOSPC, errno.EDQUOT) or code == sqlite3.SQLITE_FULL:
        return "its disk is full", "make room on it"
    if is_lock(error):
        return "another program has it locked", "end that program"
    if number in _DENIED or code in (*UNWRITABLE, sqlite3.SQLITE_CANTOPEN):
        cure = "see that its directory exists, is writable and belongs to the service's user"
        return "it may not be written", cure
    return "the disk reports an error", "look for disk errors in the kernel's log"


_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)
UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
"""The result codes of a file that may only be read."""


def _opened(
    path: Path, how: str, timeout_s: float, prepare: Callable[[Connection], None]
) -> Connection:
    """Return a connection that `prepare` has found fit for use."""
    # One thread after the other uses it: each that writes is a new one.
    connection = sqlite3.connect(
        f"file:{quote(os.fspath(path))}?{how}",
        timeout=timeout_s,
        isolation_level=None,
        uri=True,
        check_same_thread=False,
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(connection: Connection, oldest: int = VERSION) -> None:
    """Raise Unusable where the version is not ours, or there is more than tables in it.

    A view or a trigger is none of ours, and would run while we read.
    """
    foreign = "SELECT count(*) FROM sqlite_master WHERE type IN ('view', 'trigger')"
    foreign += " OR sql LIKE 'CREATE VIRTUAL%'"
    if connection.execute(foreign).fetchone()[0]:
        raise Unusable("foreign", "it has views or triggers, which no file of ours has")
    version = version_of(connection)
    if version > VERSION:
        raise Unusable("newer", "a newer version of mailwatch has written it")
    if version < oldest:
        raise Unusable("older", "an older version of mailwatch has written it")
