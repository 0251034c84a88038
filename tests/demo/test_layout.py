"""The timeline's lines: columns, groups and frames."""

from __future__ import annotations

import os
import pty

import pytest

from mailwatch.demo.layout import (
    Card,
    Entry,
    Tone,
    Who,
    grouped,
    lines,
    paint_ansi,
    paint_nothing,
)
from mailwatch.demo.timeline import paint_for, width_of


def entry(text: str, at: float = 1.0, alike: str = "") -> Entry:
    """Return an entry of mailwatch's."""
    return Entry(at, Who.MAILWATCH, text, alike=alike)


def test_an_entry_is_second_who_and_what() -> None:
    """The three stand in columns that are the same on every line."""
    assert lines(entry("looks", at=12.345), 80, paint_nothing) == [" 12.35 s  mailwatch  looks"]


def test_a_long_entry_goes_on_in_its_column() -> None:
    """What does not fit is continued below where it began, within the width."""
    shown = lines(entry("word " * 20), 60, paint_nothing)
    assert len(shown) > 1
    assert all(line.startswith(" " * 21 + "word") for line in shown[1:])
    assert max(map(len, shown)) <= 60


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_card_is_a_closed_frame(width: int) -> None:
    """All lines of the frame are as long as each other and fit; long list items are cut short."""
    card = Card("Mail is down on host: SMTP:1", "- SMTP:1: " + "x" * 200 + "\nA sentence. " * 9)
    first, *frame = lines(Entry(1, Who.PHONE, "rings:", card=card), width, paint_nothing)
    assert first.endswith("rings:")
    assert len(set(map(len, frame))) == 1
    assert len(frame[0]) <= width
    assert next(line for line in frame if "xxx" in line).endswith("... |")


def test_colour_does_not_move_a_column() -> None:
    """Painted lines without their SGR codes are the plain lines."""
    card = Card("title", "body")
    loud = Entry(1, Who.PHONE, "rings", Tone.BAD, card)
    painted = lines(loud, 60, paint_ansi)
    assert painted != lines(loud, 60, paint_nothing)
    bare = [
        line.replace("\033[31m", "")
        .replace("\033[1m", "")
        .replace("\033[2m", "")
        .replace("\033[0m", "")
        for line in painted
    ]
    assert bare == lines(loud, 60, paint_nothing)


def test_entries_that_are_alike_are_told_as_one() -> None:
    """The first stands for all of its kind, with their count, whatever comes between them."""
    told = grouped(
        [
            entry("b", at=2, alike="x"),
            entry("a", at=1, alike="x"),
            entry("other", at=3),
            entry("c", at=4, alike="x"),
        ]
    )
    assert [one.text for one in told] == ["a; so do 2 more services", "other"]


def test_a_pair_is_told_in_the_singular() -> None:
    """One more is `does`, and none more adds nothing."""
    told = grouped([entry("a", 1, "x"), entry("b", 2, "x"), entry("c", 3, "y")])
    assert [one.text for one in told] == ["a; so does one more service", "c"]


def test_entries_come_in_the_order_of_time() -> None:
    """Threads may be late to tell; what is not alike is kept, even if equal."""
    told = grouped([entry("late", at=2), entry("early", at=1), entry("late", at=2)])
    assert [one.text for one in told] == ["early", "late", "late"]


@pytest.mark.parametrize(
    ("environ", "colour"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(environ: dict[str, str], colour: bool) -> None:
    """NO_COLOR that is not empty, or a dumb terminal, means none."""
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal, os.fdopen(reader, "rb", buffering=0):
        assert paint_for(terminal, environ) is (paint_ansi if colour else paint_nothing)


def test_a_pipe_has_no_colour_and_80_columns() -> None:
    """Where there is no terminal, nothing is guessed from the environment."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, os.fdopen(reader, "rb"):
        assert paint_for(pipe, {"TERM": "xterm"}) is paint_nothing
        assert width_of(pipe) == 80
