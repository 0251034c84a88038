"""Prints the timeline live: any thread tells it an entry, one thread of its own writes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, Queue
from typing import TextIO

from mailwatch.demo import layout
from mailwatch.demo.layout import Card, Entry, Paint, Tone, Who
from mailwatch.host import threads

_GATHER_S = 0.06
"""How long an entry waits for those of the same moment, to be told as one or in order."""


def paint_for(stream: TextIO, environ: Mapping[str, str]) -> Paint:
    """Return how to colour: only on a terminal, and not where NO_COLOR (no-color.org) is set."""
    plain = environ.get("NO_COLOR") or environ.get("TERM", "dumb") == "dumb"
    return layout.paint_nothing if plain or not stream.isatty() else layout.paint_ansi


def width_of(stream: TextIO) -> int:
    """Return the columns to fill: those of the terminal within reason, 80 where there is none."""
    columns = 0
    with suppress(OSError, ValueError):
        # Asked itself, as COLUMNS may be that of another terminal; 0 says that it does not know.
        columns = os.get_terminal_size(stream.fileno()).columns
    return min(max(columns or 80, layout.NARROWEST), layout.WIDEST)


class Timeline:
    """Writes to `stream`; `broken` is called once where it takes no more."""

    def __init__(self, stream: TextIO, broken: Callable[[], None]) -> None:
        self.paint = paint_for(stream, os.environ)
        self.width = width_of(stream)
        self.error: OSError | None = None
        """What writing failed with."""
        self._stream = stream
        self._broken = broken
        self._began = time.monotonic()
        self._entries: Queue[Entry | None] = Queue()
        self._thread = threads.start(self._write_all, "timeline")

    def say(
        self,
        who: Who,
        text: str,
        tone: Tone = Tone.PLAIN,
        *,
        at: float | None = None,
        card: Card | None = None,
        alike: str = "",
    ) -> None:
        """Tell that something happened, at `at` (on the steady clock) or now."""
        moment = (time.monotonic() if at is None else at) - self._began
        self._entries.put(Entry(moment, who, text, tone, card, alike))

    def close(self) -> None:
        """Write what is left; nothing may be said after this."""
        self._entries.put(None)
        self._thread.join()

    def write(self, lines: Sequence[str]) -> None:
        """Write `lines` as they are; to be called before the first entry or after close."""
        self._put(lines)

    def _write_all(self) -> None:
        ended = False
        while not ended:
            batch = []
            entry = self._entries.get()
            until = time.monotonic() + _GATHER_S
            while entry is not None:
                batch.append(entry)
                try:
                    entry = self._entries.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    break
            ended = entry is None
            for told in layout.grouped(batch):
                self._put(layout.lines(told, self.width, self.paint))

    def _put(self, lines: Sequence[str]) -> None:
        if self.error is not None:
            return
        try:
            for line in lines:
                self._stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
            self._stream.flush()
        except OSError as error:
            self.error = error
            self._broken()
