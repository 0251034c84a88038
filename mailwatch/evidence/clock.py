"""Whether the host's clock is synchronised: certificates and tokens fail where it is not."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.facts import fact
from mailwatch.evidence.subject import Subject

_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""

_TIMESYNC = Path("/run/systemd/timesync")


class _Timex(ctypes.Structure):
    # struct timex of adjtimex(2); only the first fields are read, and the rest is room for it.
    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error_us", ctypes.c_long),
        ("estimated_error_us", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_long * 32),
    ]


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `synchronised` where the kernel or systemd-timesyncd tells it."""
    timex = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(timex)) >= 0:
        synchronised = not timex.status & _UNSYNCHRONISED
        error_s = timex.maximum_error_us / 1_000_000
        return Finding({"synchronised": synchronised, "maximum_error_s": error_s})
    reason = os.strerror(ctypes.get_errno() or errno.EPERM).lower()
    if _TIMESYNC.is_dir():
        return Finding({"synchronised": (_TIMESYNC / "synchronized").exists()})
    return Finding({}, {"synchronised": fact("clock-hidden", error=reason)})
