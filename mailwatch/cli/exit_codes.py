"""The numbers that commands end with."""

from __future__ import annotations

OK = 0
WARNING = 1
CRITICAL = 2
UNKNOWN = 3
"""Together with the three above: the monitoring plugins' guidelines, "Plugin Return Codes"."""

USAGE = 64
"""EX_USAGE of sysexits(3)."""
UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits(3): what the command needs is not there."""
CANNOT_CREATE = 73
"""EX_CANTCREAT of sysexits(3)."""
CONFIG = 78
"""EX_CONFIG of sysexits(3); the unit does not restart mailwatch after it."""
