"""Moments as the command line shows and reads them: RFC 3339 for a program, spans for a person."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from mailwatch.core.model import Now
from mailwatch.core.say import line
from mailwatch.core.text import duration

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)
_UNITS = {
    "s sec secs second seconds": 1.0,
    "m min mins minute minutes": 60.0,
    "h hr hrs hour hours": 3600.0,
    "d day days": 86_400.0,
    "w week weeks": 604_800.0,
}
_UNIT_S = {"": 60.0} | {word: span for words, span in _UNITS.items() for word in words.split()}


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
    """Return `90`, `30m`, `2 hours` or `1h 30m` in seconds; a bare number is minutes.

    Raises ArgumentTypeError for anything else and for nothing at all; for what is shorter or
    longer it says `limits`.
    """
    rest, total = text.strip().lower(), 0.0
    if not rest:
        raise argparse.ArgumentTypeError(line("duration-missing"))
    while rest:
        part = _PART.match(rest)
        if part is None or part[2] not in _UNIT_S:
            raise argparse.ArgumentTypeError(line("duration-unknown", text=text))
        total += float(part[1]) * _UNIT_S[part[2]]
        rest = rest[part.end() :].lstrip()
    if not shortest_s <= total <= longest_s:
        raise argparse.ArgumentTypeError(limits)
    return total
