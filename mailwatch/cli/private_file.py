"""Writes a file that holds a secret: never through a link, never half, never wider than needed."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from mailwatch.core.text import printable

_NEW_MODE = 0o600
_WIDEST_MODE = 0o640
"""What an existing file may keep of its mode: /etc/mailwatch.toml is 0640 root:mailwatch."""


def write_private(path: Path, text: str, *, replace: bool) -> int:
    """Write `text` to `path` and return the mode that the file has.

    The text is complete and on the disk before it gets its name. A new file has mode 0600. With
    `replace`, what has that name gives way: a link is replaced, not followed, and a regular file
    passes on its group and what its mode allows of 0640. Raises OSError; without
    `replace`, FileExistsError where the name is taken.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            mode = _inherit(descriptor, path) if replace else _NEW_MODE
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # unlike a rename, this fails where the name is taken
        return mode
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def cannot_write(path: Path, error: OSError) -> str:
    """Return the sentence that says why nothing was written to `path`."""
    shown = printable(str(path))
    if isinstance(error, FileExistsError):
        return f"{shown} is already there and was left as it is; name another file"
    reason = (error.strerror or "unknown trouble").lower()
    return f"{shown} cannot be written ({reason}); name a file in a directory that you may write"


def _inherit(descriptor: int, path: Path) -> int:
    """Give the file the group and the mode of the regular file that it replaces."""
    try:
        old = os.lstat(path)
        if not stat.S_ISREG(old.st_mode):
            return _NEW_MODE
        os.fchown(descriptor, old.st_uid, old.st_gid)
    except FileNotFoundError:
        return _NEW_MODE
    except PermissionError:
        return _NEW_MODE  # a mode without its group would open the file to the wrong one
    mode = stat.S_IMODE(old.st_mode) & _WIDEST_MODE | _NEW_MODE
    os.fchmod(descriptor, mode)
    return mode
