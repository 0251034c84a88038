"""What commands print, as columns and as JSON, and the files that they write, never half."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mailwatch.cli.exit_codes import CANNOT_CREATE, CommandError
from mailwatch.core.model import Reading
from mailwatch.core.say import line, say

_NEW_MODE = 0o600
_WIDEST_MODE = 0o640
"""What an existing file may keep of its mode: /etc/mailwatch.toml is 0640 root:mailwatch."""


def aligned(rows: Sequence[Sequence[str]], widest: int | None = None) -> Iterator[str]:
    """Return `rows`, all of one length, as lines whose columns begin below each other.

    What is longer than `widest` pushes the rest of its row to the right.
    """
    widths = [min(max(map(len, column)), widest or 10_000) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def print_aligned(rows: Sequence[Sequence[str]], widest: int | None = None) -> None:
    """Print what aligned() returns."""
    print("\n".join(aligned(rows, widest)))


def print_json(value: object) -> None:
    """Print `value` for a program."""
    print(json.dumps(value, indent=2))


def note(sentence: str) -> None:
    """Tell a person something that is no part of the output."""
    print(sentence, file=sys.stderr)


def reading_json(reading: Reading) -> dict[str, object]:
    """Return `reading` as JSON knows it, without its phases."""
    return {
        "service": reading.service,
        "verdict": reading.verdict,
        "fault": reading.fault,
        "detail": say(reading.detail),
        "seconds": round(reading.seconds, 6),
    }


def write_file(path: Path, content: str | bytes, *, replace: bool, forcible: bool = False) -> int:
    """Write `content` to `path` and return the mode that the file has.

    It is complete and on the disk before it gets its name. A new file has mode 0600. With
    `replace`, what has that name gives way: a link is replaced, not followed, and a regular file
    of ours passes on its group and what its mode allows of 0640. Raises CommandError; of a name
    that is taken it says, if `forcible`, that --force replaces it.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        return _write(path, data, replace=replace)
    except FileExistsError:
        told = line("file-taken", file=str(path), forcible=forcible)
    except OSError as error:
        reason = (error.strerror or "unknown trouble").lower()
        told = line("file-unwritable", file=str(path), why=reason)
    raise CommandError(CANNOT_CREATE, told)


def _write(path: Path, data: bytes, *, replace: bool) -> int:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            mode = _inherit(descriptor, path) if replace else _NEW_MODE
            file.write(data)
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


def _inherit(descriptor: int, path: Path) -> int:
    """Give the file the group and the mode of the regular file that it replaces."""
    try:
        old = os.lstat(path)
        if not stat.S_ISREG(old.st_mode):
            return _NEW_MODE
        if old.st_uid != os.geteuid():
            return _NEW_MODE  # nobody is handed what we write
        os.fchown(descriptor, old.st_uid, old.st_gid)
    except (FileNotFoundError, PermissionError):
        return _NEW_MODE  # a mode without its group would open the file to the wrong one
    mode = stat.S_IMODE(old.st_mode) & _WIDEST_MODE | _NEW_MODE
    os.fchmod(descriptor, mode)
    return mode
