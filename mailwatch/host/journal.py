"""Log lines on stdout that carry their level and that no text from outside can forge.

Under systemd each line begins with the `<N>` of sd-daemon(3), and journald turns it into the
entry's priority. journald reads that prefix on every line, so a server's banner with a newline in
it could write entries of its own: each line is escaped and prefixed by itself.
"""

from __future__ import annotations

import io
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partialmethod
from typing import TYPE_CHECKING, TextIO

from mailwatch.core.text import printable

if TYPE_CHECKING:
    import logging

LONGEST_LINE = 4000
"""Bytes of one line. A pipe that poll() calls writable takes 4096 without blocking (pipe(7))."""

STALL_S = 0.4
"""How long the first line waits for a reader that does not read; later ones do not wait.

Together with the last delivery of a process that ends it stays below a second.
"""


class Level(IntEnum):
    """The levels of syslog(3) that mailwatch uses."""

    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6
    DEBUG = 7


def is_journald(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether `stream` is the very one that journald reads.

    systemd.exec(5) names it in JOURNAL_STREAM, as device and inode. The variable is inherited
    also by processes whose output was redirected, therefore the comparison.
    """
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


class Journal:
    """Writes lines to `stream`; any thread may, and no failure to write is ever raised.

    `journald` says whether lines get the `<N>` prefix; without it they get the time and the
    level's word. Lines above `level` are dropped. A stream that is full or closed loses lines,
    which are counted, and the count is written as soon as it takes lines again.
    """

    def __init__(
        self,
        stream: TextIO,
        journald: bool,
        level: Level = Level.INFO,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.level = level
        self._stream = stream
        self._journald = journald
        self._clock = clock
        # Whatever the collector of garbage ends meanwhile may have a warning to write.
        self._lock = threading.RLock()
        self._lost = 0
        try:
            self._fd: int | None = stream.fileno()
        except (io.UnsupportedOperation, ValueError):
            self._fd = None

    def write(self, level: Level, text: str) -> None:
        """Write `text` at `level`, each of its lines as a line of its own."""
        if level > self.level:
            return
        with self._lock:
            for line in text.rstrip("\n").split("\n"):
                self._put(self._framed(level, line))

    critical = partialmethod(write, Level.CRITICAL)
    """Write what needs a person now."""
    error = partialmethod(write, Level.ERROR)
    """Write what failed."""
    warning = partialmethod(write, Level.WARNING)
    """Write what the admin may want to react to."""
    notice = partialmethod(write, Level.NOTICE)
    """Write what is normal, but of interest to the admin."""
    info = partialmethod(write, Level.INFO)
    """Write what happened."""

    def _framed(self, level: Level, line: str) -> bytes:
        if self._journald:
            head = f"<{level}>"
        else:
            when = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self._clock()))
            head = f"{when} {level.name.lower()}: "
        whole = (head + printable(line, LONGEST_LINE)).encode("utf-8", "backslashreplace")
        if len(whole) > LONGEST_LINE:
            whole = whole[: LONGEST_LINE - 3].decode("utf-8", "ignore").encode() + b"..."
        return whole + b"\n"

    def _put(self, line: bytes) -> None:
        if self._lost:
            told = self._framed(Level.WARNING, f"{self._lost} lines of this log were lost here")
            if not self._written(told, wait_s=0):
                self._lost += 1
                return
            self._lost = 0
        if not self._written(line, wait_s=STALL_S):
            self._lost = 1

    def _written(self, line: bytes, wait_s: float) -> bool:
        try:
            if self._fd is None:
                self._stream.write(line.decode())
                self._stream.flush()
                return True
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            if not poll.poll(wait_s * 1000):
                return False
            # A short write leaves half a line; ending it keeps the next one a line of its own.
            return os.write(self._fd, line) == len(line)
        except (OSError, ValueError):
            return False


def adopt_logging(journal: Journal) -> logging.Handler:
    """Send what libraries log at WARNING and above, and Python's warnings, to `journal`.

    Returns the handler, for a caller who wants to remove it again.
    """
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                text = f"{record.name}: {self.format(record)}"
            except Exception:  # noqa: BLE001  # a library's broken log call is not our end
                text = f"{record.name}: a log line that cannot be formatted"
            levels = ((50, Level.CRITICAL), (40, Level.ERROR))
            fits = (level for number, level in levels if record.levelno >= number)
            journal.write(next(fits, Level.WARNING), text)

    handler = Handler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    return handler
