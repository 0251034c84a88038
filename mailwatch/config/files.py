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
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise Missing("does not exist; name the right file, or create it") from None
    except PermissionError:
        raise UnreadableFile(_who_may(path)) from None
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"cannot be opened ({_reason(error)}); name a file") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise UnreadableFile("is a directory; name a file")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile("is not a regular file; name one")
        content = _read(descriptor, limit + 1)
    except OSError as error:
        raise UnreadableFile(f"cannot be read ({_reason(error)}); mend the disk") from None
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise UnreadableFile(f"is longer than {limit // 1024} KiB; is it the right file?")
    return content, status.st_mode


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8; raises UnreadableFile."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(f"is not UTF-8 in line {line}; save it as UTF-8") from None


def _read(descriptor: int, most: int) -> bytes:
    content = b""
    while len(content) < most and (part := os.read(descriptor, most - len(content))):
        content += part
    return content


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or "its name is no name of a file").lower()


def _who_may(path: Path) -> str:
    me = user_name(os.geteuid())
    try:
        status = os.stat(path)
    except OSError:
        return f"is in a directory that user {me} may not enter; run this as root or give access"
    return (
        f"may not be read by user {me}: it belongs to user {user_name(status.st_uid)} and group "
        f"{group_name(status.st_gid)}, mode {stat.S_IMODE(status.st_mode):04o}; "
        f"run this as one who may read it, or change its group or mode"
    )
