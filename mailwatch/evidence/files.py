"""Reading a file of /proc or /sys, bounded, with a reason where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailwatch.core.evidence import Unreadable

LONGEST = 64 * 1024


def read(path: Path, limit: int = LONGEST) -> str:
    """Return at most `limit` bytes of the file as text; raises Unreadable."""
    try:
        with path.open("rb", buffering=0) as file:
            parts = []
            while limit > 0 and (part := file.read(min(limit, LONGEST))):
                parts.append(part)
                limit -= len(part)
    except OSError as error:
        raise Unreadable(_reason(path, error)) from None
    return b"".join(parts).decode("utf-8", "backslashreplace")


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a long table, which is never in memory as a whole; raises Unreadable."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            yield from file
    except OSError as error:
        raise Unreadable(_reason(path, error)) from None


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            f"there is no {path}: the kernel lacks it, it belongs to a process that has ended, or "
            "the unit hides it (it needs ProcSubset=all and ProtectProc=default)"
        )
    if isinstance(error, PermissionError):
        return f"the user of mailwatch may not read {path}: see it with sudo cat {path}"
    words = (error.strerror or "unknown trouble").lower()
    return f"reading {path} failed ({words}): look for its cause in the kernel's log"
