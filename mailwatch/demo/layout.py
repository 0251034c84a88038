"""Sets one entry of the timeline out in lines: the second, who, and what, in aligned columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

NARROWEST = 40
WIDEST = 100
"""Columns; a longer line is hard to read."""

_WHO_WIDTH = 9
_CARD_INDENT = 11
_CARD_WIDEST = 66


class Who(StrEnum):
    """Whose doing an entry is."""

    DEMO = "demo"
    SERVER = "server"
    MAILWATCH = "mailwatch"
    PHONE = "phone"


class Tone(StrEnum):
    """What an entry means for the person who watches; the value is its SGR code, or empty."""

    PLAIN = ""
    QUIET = "2"
    GOOD = "32"
    BAD = "31"
    NEWS = "1"


@dataclass(frozen=True, slots=True)
class Card:
    """A message as a phone shows it."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `at` is in seconds since the demo began.

    `alike` is not empty for one of several entries of which the first stands for all that come
    at the same moment; it says what they have in common.
    """

    at: float
    who: Who
    text: str
    tone: Tone = Tone.PLAIN
    card: Card | None = None
    alike: str = ""


Paint = Callable[[Tone, str], str]


def paint_nothing(_tone: Tone, text: str) -> str:
    """Return `text` as it is."""
    return text


def paint_ansi(tone: Tone, text: str) -> str:
    """Return `text` in the colour of `tone`, for a terminal (ECMA-48, SGR)."""
    return f"\033[{tone}m{text}\033[0m" if tone and text.strip() else text


def grouped(entries: Sequence[Entry]) -> list[Entry]:
    """Return `entries` in the order of time, with those that are alike told as one."""
    result: list[Entry] = []
    counts: dict[str, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.at):
        if entry.alike:
            counts[entry.alike] = counts.get(entry.alike, 0) + 1
            if counts[entry.alike] > 1:
                continue
        result.append(entry)
    return [_counted(entry, counts.get(entry.alike, 1) - 1) for entry in result]


def _counted(entry: Entry, more: int) -> Entry:
    if not more:
        return entry
    so = "so does one more service" if more == 1 else f"so do {more} more services"
    return replace(entry, text=f"{entry.text}; {so}")


def lines(entry: Entry, width: int, paint: Paint) -> list[str]:
    """Return the lines of `entry`, none longer than `width` (at least NARROWEST) columns."""
    clock = f"{entry.at:6.2f} s  "
    room = width - len(clock) - _WHO_WIDTH - 2
    wrapped = textwrap.wrap(entry.text, room, break_on_hyphens=False) or [""]
    head = paint(Tone.QUIET, clock) + f"{entry.who:<{_WHO_WIDTH}}  "
    margin = " " * (width - room)
    shown = [head + paint(entry.tone, wrapped[0])]
    shown += [margin + paint(entry.tone, line) for line in wrapped[1:]]
    if entry.card is not None:
        shown += _framed(entry.card, width, paint)
    return shown


def _framed(card: Card, width: int, paint: Paint) -> list[str]:
    """Return the card as a phone would show it: list items cut short, sentences in full."""
    inner = min(width - _CARD_INDENT, _CARD_WIDEST) - 4
    rows = [(Tone.NEWS, line) for line in textwrap.wrap(card.title, inner)]
    for line in card.body.splitlines():
        if line.startswith("- ") and len(line) > inner:
            rows.append((Tone.PLAIN, f"{line[: inner - 3]}..."))
        else:
            rows += [(Tone.PLAIN, part) for part in textwrap.wrap(line, inner)]
    margin = " " * _CARD_INDENT
    edge = margin + "." + "-" * (inner + 2) + "."
    middle = [f"{margin}| {paint(tone, row)}{' ' * (inner - len(row))} |" for tone, row in rows]
    return [edge, *middle, margin + "'" + "-" * (inner + 2) + "'"]
