"""What a person at a terminal sees while a command works: lines as they come, in colour."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from textwrap import wrap

from mailwatch.cli.command import argument
from mailwatch.core.diagnosis import Grade

COLOR = argument("--no-color", action="store_true", help="print no colours, as with NO_COLOR")
"""The argument of every command that prints in colour."""

_CODES = {Grade.OK: "32", Grade.WARNING: "33", Grade.PROBLEM: "31"}
"""Green, yellow and red: Select Graphic Rendition (ECMA-48)."""

_NARROWEST = 24
_INDENT = "    "
_ERASE = "\r\x1b[K"
"""Back to the beginning of the line, and erase it (ECMA-48)."""


class Terminal:
    """The standard output, where a person may look at it; else all is plain and of any width."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.live = sys.stdout.isatty()
        """Whether a person looks on."""
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        self._moves = self.live and not dumb
        # https://no-color.org: any value but an empty one
        self._colors = self._moves and not args.no_color and not os.environ.get("NO_COLOR")
        self._doing = False

    def line(self, first: str, grade: Grade | None, rest: str, text: str) -> None:
        """Print `first` in the colour of `grade`, `rest` beside it, and `text` wrapped below."""
        self._clear()
        begin = f"{first}{rest}"
        colored = begin
        if self._colors and grade is not None:
            colored = f"\x1b[{_CODES[grade]}m{first}\x1b[0m{rest}"
        columns, indent = shutil.get_terminal_size().columns, len(begin)
        lines = [text]
        if self.live and len(begin) + len(text) > columns:
            if columns - indent < _NARROWEST:
                colored, indent = f"{colored}\n{_INDENT}", len(_INDENT)
            lines = wrap(text, max(columns - indent, _NARROWEST), break_on_hyphens=False)
        print((colored + f"\n{' ' * indent}".join(lines)).rstrip(), flush=True)

    def doing(self, what: str) -> None:
        """Show what is under way, until the next line."""
        if self._moves:
            self._clear()
            print(what, end="", flush=True)
            self._doing = True

    def _clear(self) -> None:
        if self._doing:
            print(_ERASE, end="")
            self._doing = False
