"""Shows on a terminal or in a pipe what happens: the second, whose doing it is, and what it is."""

from __future__ import annotations

import io
import os
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TextIO

from mailwatch.host.journal import Level

NARROWEST = 40
WIDEST = 100
"""Columns; a longer line is hard to read."""

PLAIN, BOLD, FAINT, RED, GREEN, YELLOW = "", "1", "2", "31", "32", "33"
"""SGR codes of ECMA-48."""

_WHO_WIDTH = 9
_BOX_INDENT = 11
_BOX_WIDEST = 66


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour: only on a terminal, and not where NO_COLOR (no-color.org) is set."""
    plain = environ.get("NO_COLOR") or environ.get("TERM", "dumb") == "dumb"
    return not plain and stream.isatty()


def width_of(stream: TextIO) -> int:
    """Return the columns to fill: those of the terminal within reason, 80 where there is none."""
    columns = 0
    with suppress(OSError, ValueError):
        # Asked itself, as COLUMNS may be that of another terminal; 0 says that it does not know.
        columns = os.get_terminal_size(stream.fileno()).columns
    return min(max(columns or 80, NARROWEST), WIDEST)


class Screen:
    """Writes to `stream`, from any thread; `broken` is called once where it takes no more."""

    def __init__(self, stream: TextIO, broken: Callable[[], None]) -> None:
        self.error: OSError | None = None
        """What writing failed with."""
        self.width = width_of(stream)
        self._stream = stream
        self._broken = broken
        self.colour = wants_colour(stream, os.environ)
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def say(self, who: str, text: str, colour: str = PLAIN) -> None:
        """Show what `who` does now."""
        self._put(self._entry(who, text, colour))

    def show(self, who: str, text: str, title: str, body: str) -> None:
        """Show what `who` does now, and below it a message as a phone shows it."""
        self._put([*self._entry(who, text, BOLD), *self._box(title, body)])

    def write(self, text: str, head: str = "") -> None:
        """Show each line of `text` as a paragraph, in a column of its own right of `head`."""
        room, margin = self.width - len(head), " " * len(head)
        rows = [row for line in text.split("\n") for row in textwrap.wrap(line, room) or [""]]
        self._put([(margin if n else head) + row for n, row in enumerate(rows)])

    def _entry(self, who: str, text: str, colour: str) -> list[str]:
        clock = f"{time.monotonic() - self._began:6.2f} s  "
        margin = " " * (len(clock) + _WHO_WIDTH + 2)
        rows = textwrap.wrap(text, self.width - len(margin), break_on_hyphens=False) or [""]
        head = self._paint(FAINT, clock) + f"{who:<{_WHO_WIDTH}}  "
        return [(margin if n else head) + self._paint(colour, row) for n, row in enumerate(rows)]

    def _box(self, title: str, body: str) -> list[str]:
        """Return the frame of a message: its list items cut short, its sentences in full."""
        inner = min(self.width - _BOX_INDENT, _BOX_WIDEST) - 4
        rows = [(BOLD, line) for line in textwrap.wrap(title, inner)]
        for line in body.splitlines():
            is_long_item = line.startswith("- ") and len(line) > inner
            shown = [f"{line[: inner - 3]}..."] if is_long_item else textwrap.wrap(line, inner)
            rows += [(PLAIN, row) for row in shown]
        margin, edge = " " * _BOX_INDENT, "-" * (inner + 2)
        framed = [f"| {self._paint(how, row)}{' ' * (inner - len(row))} |" for how, row in rows]
        return [margin + line for line in (f".{edge}.", *framed, f"'{edge}'")]

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self.colour and colour else text

    def _put(self, lines: list[str]) -> None:
        with self._lock:
            if self.error is not None:
                return
            try:
                for line in lines:
                    self._stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
                self._stream.flush()
            except OSError as error:
                self.error = error
        if self.error is not None:
            self._broken()


class LogStream(io.StringIO):
    """What the journal of the service writes to: each of its lines is one of the screen's."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def write(self, line: str) -> int:
        """Show `line`, which has its level in front: `<4>text` (sd-daemon(3))."""
        level, text = int(line[1]), line[3:].rstrip("\n")
        colour = RED if level <= Level.ERROR else YELLOW if level == Level.WARNING else PLAIN
        self._screen.say("mailwatch", text, colour)
        return len(line)
