"""The lines of the demo: columns, frames, colour, and what nobody reads any more."""

from __future__ import annotations

import io
import os
import pty
import re

import pytest

from mailwatch.demo.screen import LogStream, Screen, wants_colour, width_of
from mailwatch.host.journal import Journal


class Shown(io.StringIO):
    """What a screen has written."""

    @property
    def lines(self) -> list[str]:
        """Its lines, with the same second in all of them."""
        return re.sub(r"\d+\.\d\d s", "1.00 s", self.getvalue()).splitlines()


@pytest.fixture
def shown() -> Shown:
    """What the screen of the test has written."""
    return Shown()


def on(shown: Shown, width: int, colour: bool = False) -> Screen:
    """Return a screen of that width."""
    screen = Screen(shown, broken=lambda: pytest.fail("it is broken"))
    screen.width, screen.colour = width, colour
    return screen


def test_an_entry_is_second_who_and_what(shown: Shown) -> None:
    """The three stand in columns that are the same on every line."""
    on(shown, 80).say("server", "hangs")
    assert shown.lines == ["  1.00 s  server     hangs"]


def test_a_line_of_the_log_is_an_entry(shown: Shown) -> None:
    """What the real journal writes stands there word for word, in the colour of its level."""
    journal = Journal(LogStream(on(shown, 80, colour=True)), journald=True)
    journal.notice("looks <5> around")
    journal.warning("sees\x1b[31m")
    journal.error("tells")
    head = "\033[2m  1.00 s  \033[0mmailwatch  "
    assert shown.lines == [
        f"{head}looks <5> around",
        f"{head}\033[33msees\\x1b[31m\033[0m",
        f"{head}\033[31mtells\033[0m",
    ]


def test_a_long_entry_goes_on_in_its_column(shown: Shown) -> None:
    """What does not fit is continued below where it began, within the width."""
    on(shown, 60).say("server", "word " * 20)
    assert len(shown.lines) > 1
    assert all(line.startswith(" " * 21 + "word") for line in shown.lines[1:])
    assert max(map(len, shown.lines)) <= 60


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_message_is_a_closed_frame(shown: Shown, width: int) -> None:
    """All lines of the frame are as long as each other and fit; long list items are cut short."""
    body = "- SMTP:1: " + "x" * 200 + "\nA sentence. " * 9
    on(shown, width).show("phone", "rings:", "Mail is down on host: SMTP:1", body)
    first, *frame = shown.lines
    assert first.endswith("rings:")
    assert len(set(map(len, frame))) == 1
    assert len(frame[0]) <= width
    assert next(line for line in frame if "xxx" in line).endswith("... |")


def test_colour_does_not_move_a_column() -> None:
    """Painted lines without their SGR codes are the plain lines."""
    plain, painted = Shown(), Shown()
    on(plain, 60).show("phone", "rings", "title", "body")
    on(painted, 60, colour=True).show("phone", "rings", "title", "body")
    assert painted.lines != plain.lines
    assert [re.sub(r"\033\[\d*m", "", line) for line in painted.lines] == plain.lines


def test_a_row_goes_on_right_of_its_head(shown: Shown) -> None:
    """Of the closing table, what does not fit stands in the column of the remarks."""
    on(shown, 40).write("word " * 8, "  restart  7  ")
    assert shown.lines[0].startswith("  restart  7  word")
    assert all(line.startswith(" " * 14 + "word") for line in shown.lines[1:])
    assert max(map(len, shown.lines)) <= 40


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
        assert wants_colour(terminal, environ) is colour


def test_a_pipe_has_no_colour_and_80_columns() -> None:
    """Where there is no terminal, nothing is guessed from the environment."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, os.fdopen(reader, "rb"):
        assert not wants_colour(pipe, {"TERM": "xterm"})
        assert width_of(pipe) == 80


def test_a_reader_that_is_gone_is_told_of_once() -> None:
    """`broken` is called with the first line that nobody takes, and the reason is kept."""
    reader, writer = os.pipe()
    os.close(reader)
    broken: list[int] = []
    with os.fdopen(writer, "w") as pipe:
        gone = Screen(pipe, broken=lambda: broken.append(1))
        gone.say("server", "hangs")
        gone.say("server", "hangs")
        assert isinstance(gone.error, BrokenPipeError)
        assert broken == [1]
        # What the pipe could not take must not come back as it is closed.
        spare = os.open(os.devnull, os.O_WRONLY)
        os.dup2(spare, writer)
        os.close(spare)
