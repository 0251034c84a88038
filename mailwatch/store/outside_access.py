"""Opening the state file from another process than the service's, with a sentence when it fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

from mailwatch.store.connection import code_of, is_damage, is_lock
from mailwatch.store.errors import StoreError
from mailwatch.store.files import NAME, Unusable


@contextmanager
def visit(directory: Path, opener: Callable[[Path], Connection]) -> Iterator[Connection]:
    """Open the state file in `directory` with `opener`; raises StoreError, within the block too."""
    path = directory / NAME
    try:
        with closing(opener(path)) as connection:
            yield connection
    except FileNotFoundError:
        raise StoreError(
            f"There is no state file {path}: start the service, which makes it."
        ) from None
    except PermissionError:
        raise StoreError(
            f"You may not open {path}: run this as root, or as a member of the service's group."
        ) from None
    except Unusable as unusable:
        advice = _ADVICE.get(unusable.kind, _ANEW)
        raise StoreError(
            f"The state file {path} cannot be used, for {unusable}: {advice}."
        ) from None
    except sqlite3.Error as error:
        raise StoreError(_sentence(path, error)) from None
    except OSError as error:
        raise StoreError(f"Cannot read {path}, for {error.strerror}: look at its disk.") from None


_ADVICE = {
    "older": "restart the service, which brings it up to date",
    "newer": "use the mailwatch that belongs to the running service",
}
_ANEW = "restart the service, which sets it aside and makes a new one"


def _sentence(path: Path, error: sqlite3.Error) -> str:
    code = code_of(error)
    if is_damage(error):
        return f"The state file {path} is damaged: {_ANEW}."
    if is_lock(error):
        return f"The state file {path} is locked by another program: end that, and try again."
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return f"You may not write {path}: run this as root."
    if code == sqlite3.SQLITE_CANTOPEN:
        return f"You may not open {path} as it is now: run this as root, or start the service."
    if code == sqlite3.SQLITE_FULL:
        return f"The disk that holds {path} is full: make room on it, and try again."
    return f"The disk that holds {path} reports an error: look for it in the kernel's log."
