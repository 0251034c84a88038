"""Reads both clocks, and writes a moment as the clock on the wall shows it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

from mailwatch.core.model import Now

_STEP_S = 60.0
_BELIEVED_AFTER_S = 3600.0


class WallClock:
    """Whether the wall clock is to be believed: nobody has set it for an hour.

    A mistake that puts it ahead by a year must not make everything too old to be kept.
    """

    def __init__(self) -> None:
        self._offset = float("-inf")
        self._set_at = 0.0

    def is_believed(self, now: Now) -> bool:
        """Take note of `now`, and return whether its wall clock has run for long enough."""
        offset = now.wall - now.steady
        if abs(offset - self._offset) > _STEP_S:
            self._offset, self._set_at = offset, now.steady
        return now.steady - self._set_at >= _BELIEVED_AFTER_S


def read_clocks() -> Now:
    """Read both clocks once: CLOCK_MONOTONIC and the wall clock."""
    return Now(time.monotonic(), time.time())


def clock_text(wall: float) -> str:
    """Return seconds since 1970 as local time, `2026-11-22 03:14:02`."""
    when = datetime.fromtimestamp(wall, UTC)
    # A certificate may expire in the year 1, or at the end of 9999 as one that never does
    # (RFC 5280 section 4.1.2.5): no local time need exist for that.
    with suppress(OverflowError, ValueError):
        when = when.astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S}"
