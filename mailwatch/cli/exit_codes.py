"""The numbers that commands end with, and the error that names one of them."""

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
CANNOT_WRITE = 74
"""EX_IOERR of sysexits(3)."""
CONFIG = 78
"""EX_CONFIG of sysexits(3); the unit does not restart mailwatch after it."""
INTERRUPTED = 130
"""As a shell reports a program that ended by SIGINT."""
BROKEN_PIPE = 141
"""As a shell reports a program that ended by SIGPIPE."""


class CommandError(Exception):
    """A command cannot do its work: it ends with `code`, and `str()` says what to do about it."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
