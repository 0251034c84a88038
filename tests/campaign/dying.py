"""No process of the campaign outlives the one that made it, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process as soon as `parent`, which made it, is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent has gone already")
