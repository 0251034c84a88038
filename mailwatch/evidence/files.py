"""Reading a file of /proc or /sys, bounded, with a reason where it cannot be read."""

from __future__ import annotations

from pathlib import Path

from mailwatch.core.evidence import NotReadable
from mailwatch.core.facts import fact

LONGEST = 64 * 1024


def read(path: Path, limit: int = LONGEST) -> str:
    """Return at most `limit` bytes of the file as text; raises NotReadable."""
    try:
        with path.open("rb", buffering=0) as file:
            parts = []
            while limit > 0 and (part := file.read(min(limit, LONGEST))):
                parts.append(part)
                limit -= len(part)
    except OSError as error:
        raise not_readable(path, error) from None
    return b"".join(parts).decode("utf-8", "backslashreplace")


def table(text: str) -> dict[str, str]:
    """Return name -> value of lines such as `oom_kill 3` or `Dirty: 12 kB`, without the unit."""
    lines = map(str.split, text.splitlines())
    return {words[0].rstrip(":"): words[1] for words in lines if len(words) > 1}


def not_readable(path: Path, error: OSError) -> NotReadable:
    """Return why `path` could not be read."""
    if isinstance(error, FileNotFoundError):
        return NotReadable(fact("file-absent", path=str(path)))
    if isinstance(error, PermissionError):
        return NotReadable(fact("file-forbidden", path=str(path)))
    trouble = (error.strerror or "unknown trouble").lower()
    return NotReadable(fact("file-broken", path=str(path), error=trouble))
