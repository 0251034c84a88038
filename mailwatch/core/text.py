"""Text from outside made safe to print: one line, no control characters, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_ELLIPSIS = "..."


def printable(text: str | bytes, limit: int = 200) -> str:
    r"""Return `text` as one line that no terminal, journal or phone can misread.

    Bytes are read as UTF-8, and what is not UTF-8 is shown as `\xNN`. Every character that
    `str.isprintable` refuses (controls, line and paragraph separators, bidirectional overrides,
    lone surrogates) is shown as a Python escape. The result has at most `limit` (>= 4)
    characters, and ends in `...` where it was cut.
    """
    if isinstance(text, bytes):
        # UTF-8 has at most 4 bytes a character; one more than `limit` shows that there is more.
        text = text[: 4 * (limit + 1)].decode("utf-8", "backslashreplace")
    head = text[: limit + 1]
    safe = head
    if not head.isprintable():
        safe = "".join(
            one if one.isprintable() else one.encode("unicode_escape").decode("ascii")
            for one in head
        )
    return safe if len(safe) <= limit else safe[: limit - len(_ELLIPSIS)] + _ELLIPSIS


def shorten(text: str, limit: int) -> str:
    """Return `text` with at most `limit` (>= 4) characters; it ends in `...` where it was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - len(_ELLIPSIS)]
    whole, space, _ = head.rpartition(" ")
    return (whole if space and len(whole) > len(head) // 2 else head) + _ELLIPSIS


def join_words(words: list[str], last: str = "and") -> str:
    """Return `words` as a person would list them: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def name_some(words: Sequence[str], most: int = 4) -> str:
    """Return `words` as join_words does, but no more than `most` (>= 2): the last counts the rest.

    `a, b, c and 2 more`
    """
    if len(words) > most:
        return join_words([*words[: most - 1], f"{len(words) - most + 1} more"])
    return join_words(list(words))


def duration(seconds: float) -> str:
    """Return `seconds` (>= 0) as a person says them: `0.4 s`, `25 s`, `3 min 5 s`, `2 h 4 min`."""
    if 0 < seconds < 0.0995:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def utc(wall: float) -> str:
    """Return seconds since 1970 as `2026-11-22 03:14:02 UTC`."""
    try:
        return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # what a file holds may be no time at all
        return "an unknown time"


def size(count: float) -> str:
    """Return a number of bytes (>= 0) as a person says it: `0 B`, `512 MiB`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
