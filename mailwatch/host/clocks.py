"""Reads both clocks, and writes a moment as the clock on the wall shows it."""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from mailwatch.core.model import Now

_STEP_S = 60.0
_BELIEVED_AFTER_S = 3600.0
_TIME_ERROR = 5
_TIMESYNC = Path("/run/systemd/timesync")
_FRESH_S = 86_400.0
"""systemd-timesyncd sets the clock more often."""

_BUFFER = 1024
"""More than struct timex, of 208 bytes on 64 bits."""


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
    try:
        when = datetime.fromtimestamp(wall, UTC)
    except (OverflowError, ValueError, OSError):
        return "at no moment"  # what says so is damaged, or hostile
    # A certificate may expire in the year 1, or at the end of 9999 as one that never does
    # (RFC 5280 section 4.1.2.5): no local time need exist for that.
    with suppress(OverflowError, ValueError):
        when = when.astimezone()
    return f"{when:%Y-%m-%d %H:%M:%S}"


def is_synchronised() -> bool | None:
    """Whether the wall clock is known to be synchronised; None if that cannot be learnt.

    The kernel tells it (adjtimex(2)), and `timedatectl` shows the same as `System clock
    synchronized`. Where it may not be asked, as in our unit, the file of systemd-timesyncd does.
    """
    told = _kernel_is_synchronised()
    if told is not None or not _TIMESYNC.is_dir():
        return told
    try:
        set_at = (_TIMESYNC / "synchronized").stat().st_mtime
    except OSError:
        return False
    # Somebody may have set the clock since then.
    return True if abs(time.time() - set_at) < _FRESH_S else None


def _kernel_is_synchronised() -> bool | None:
    try:
        library = ctypes.CDLL(None, use_errno=True)
        # All zero asks, and changes nothing.
        state = library.adjtimex(ctypes.create_string_buffer(_BUFFER))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
