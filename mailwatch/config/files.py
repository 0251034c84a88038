"""Small files read with care: bounded, regular files only, and a clear word on why not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mailwatch.host.account import group_name, user_name


class UnreadableFile(Exception):
    """A file cannot be read; the text goes on after its name: `is a directory; ...`."""


class Missing(UnreadableFile):
    """There is no such file."""


def read_file(path: Path, limit: int) -> tuple[bytes, int]:
    """Return the content of the regular file `path` and its mode; raises UnreadableFile.

    At most `limit` bytes are read, so that neither a pipe nor a disk image holds us up.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise UnreadableFile("is not a regular file; name one")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise Missing("does not exist; name the right file, or create it") from None
    except IsADirectoryError:
        raise UnreadableFile("is a directory; name a file") from None
    except PermissionError:
        raise UnreadableFile(_who_may(path)) from None
    except (OSError, ValueError) as error:
        # Python itself refuses a name with a zero byte in it.
        reason = getattr(error, "strerror", None) or "its name cannot be that of a file"
        raise UnreadableFile(f"cannot be read ({reason.lower()}); name another file") from None
    if len(content) > limit:
        raise UnreadableFile(f"is longer than {limit // 1024} KiB; is it the right file?")
    return content, mode


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8; raises UnreadableFile."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(f"is not UTF-8 in line {line}; save it as UTF-8") from None


def _who_may(path: Path) -> str:
    me = user_name(os.geteuid())
    try:
        status = os.stat(path)
    except OSError:
        return f"is in a directory that user {me} may not enter; run it with sudo, or give access"
    return (
        f"may not be read by user {me}: it belongs to user {user_name(status.st_uid)} and group "
        f"{group_name(status.st_gid)}, mode {stat.S_IMODE(status.st_mode):04o}; "
        "run it with sudo, or change its group or mode"
    )
