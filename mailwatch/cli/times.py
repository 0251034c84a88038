"""Moments as the command line shows and reads them: RFC 3339 for a program, spans for a person."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from mailwatch.core.model import Now
from mailwatch.core.say import line
from mailwatch.core.text import duration

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)?", re.ASCII)
_UNIT_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "": 60.0}


_EARLIEST, _LATEST = (datetime(year, 1, 2, tzinfo=UTC).timestamp() for year in (1, 9999))


def stamp(at: Now | float | None) -> str | None:
    """Return a moment, or seconds since 1970, as RFC 3339 in UTC; None for None."""
    if at is None:
        return None
    wall = at.wall if isinstance(at, Now) else at
    wall = min(max(wall, _EARLIEST), _LATEST)
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")


def ago(wall: float, now: float) -> str:
    """Return how long before `now` it was, `just now` for less than a second."""
    seconds = now - wall
    return f"{duration(round(seconds))} ago" if seconds >= 1 else "just now"


def parse_duration(text: str, shortest_s: float, longest_s: float, limits: str) -> float:
    """Return `90`, `30m`, `2h` or `1h 30m` in seconds; a bare number is minutes.

    Raises ArgumentTypeError for anything else and for nothing at all; for what is shorter or
    longer it says `limits`.
    """
    rest, total = text.strip().lower(), 0.0
    if not rest:
        raise argparse.ArgumentTypeError(line("duration-missing"))
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise argparse.ArgumentTypeError(line("duration-unknown", text=text))
        total += float(part[1]) * _UNIT_S[part[2] or ""]
        rest = rest[part.end() :].lstrip()
    if not shortest_s <= total <= longest_s:
        raise argparse.ArgumentTypeError(limits)
    return total
