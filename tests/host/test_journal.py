"""Log lines on real pipes and sockets: levels, escapes, and readers that do not read."""

from __future__ import annotations

import fcntl
import io
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import TextIO

import pytest

from mailwatch.host.journal import LONGEST_LINE, Journal, Level, adopt_logging, is_journald

GENEROUS_S = 120

F_SETPIPE_SZ = 1031  # of fcntl(2); Python 3.11's fcntl does not always have it


class Pipe:
    """A pipe whose writing end is a text stream, as stdout is."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.stream: TextIO = os.fdopen(writing, "w")

    def read(self) -> list[str]:
        """Return the lines that are in the pipe now."""
        os.set_blocking(self.reading, False)
        found = b""
        try:
            while part := os.read(self.reading, 65536):
                found += part
        except BlockingIOError:
            pass
        return found.decode().splitlines()

    def shut(self) -> None:
        """Close the reading end: writing is EPIPE from now on."""
        os.close(self.reading)
        self.reading = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Return an open pipe."""
    made = Pipe()
    yield made
    if made.reading >= 0:
        made.shut()
    made.stream.close()


def test_every_level(pipe: Pipe) -> None:
    """The priorities are those of syslog(3), as sd-daemon(3) has journald read them."""
    journal = Journal(pipe.stream, journald=True, level=Level.DEBUG)
    journal.write(Level.DEBUG, "debug")
    for name in ("info", "notice", "warning", "error", "critical"):
        getattr(journal, name)(name)
    assert pipe.read() == [
        "<7>debug",
        "<6>info",
        "<5>notice",
        "<4>warning",
        "<3>error",
        "<2>critical",
    ]


def test_what_is_below_the_level(pipe: Pipe) -> None:
    """By default what only a developer wants to know is left out; the level can change."""
    journal = Journal(pipe.stream, journald=True)
    journal.write(Level.DEBUG, "no")
    journal.info("yes")
    journal.level = Level.WARNING
    journal.info("no")
    assert pipe.read() == ["<6>yes"]


def test_lines_for_a_person(pipe: Pipe) -> None:
    """Without journald a line has the time, with its offset, and the level's word."""
    Journal(pipe.stream, journald=False, clock=lambda: 1772359200).warning("one\ntwo")
    one, two = pipe.read()
    assert re.fullmatch(r"2026-0[23]-\d\dT\d\d:00:00[+-]\d{4} warning: one", one)
    assert two == one.replace("one", "two")


@pytest.mark.parametrize("journald", [True, False])
def test_text_from_outside(pipe: Pipe, journald: bool) -> None:
    """No text makes an entry of its own or moves the cursor: a banner, a colour, a separator."""
    text = "220 hi\n<0>forged\r\n<1>again\x1b[2J\u2028<0>line\x85<0>next\x0b\x0c\x00\udc80end"
    Journal(pipe.stream, journald).info(text)
    lines = pipe.read()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    if journald:
        assert [line[:3] for line in lines] == ["<6>"] * 3
        assert lines[1] == r"<6><0>forged\r"
    else:
        assert all(re.match(r"\S+ info: ", line) for line in lines)


@pytest.mark.parametrize("character", ["x", "\u00fc", "\U0001f4e7", "\x00"])
def test_a_long_line(pipe: Pipe, character: str) -> None:
    """A line is cut, with a mark, to what a pipe takes at once; UTF-8 stays whole."""
    Journal(pipe.stream, journald=True).info(character * 100_000)
    (line,) = pipe.read()
    assert LONGEST_LINE - 8 < len(line.encode()) <= LONGEST_LINE
    assert line.endswith("...")


def test_an_empty_text(pipe: Pipe) -> None:
    """Nothing is still a line, and a final newline is none."""
    journal = Journal(pipe.stream, journald=True)
    journal.info("")
    journal.info("one\n")
    assert pipe.read() == ["<6>", "<6>one"]


def test_a_reader_that_is_gone(pipe: Pipe) -> None:
    """EPIPE is not raised: the daemon goes on without a log."""
    journal = Journal(pipe.stream, journald=True)
    pipe.shut()
    for _ in range(3):
        journal.critical("nobody reads this")


def test_a_stream_that_is_closed() -> None:
    """A closed stdout, before or after, is not raised either."""
    made = Pipe()
    journal = Journal(made.stream, journald=True)
    made.stream.close()
    journal.info("x")
    Journal(made.stream, journald=True).info("x")
    made.shut()


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_does_not_read(kind: str, blocking: bool) -> None:
    """A stuck journald costs one short wait, and the lines; how many is told when it reads on."""
    if kind == "pipe":
        reading, writing = os.pipe()
        fcntl.fcntl(writing, F_SETPIPE_SZ, 16384)
    else:
        ours, theirs = socket.socketpair()
        reading, writing = theirs.detach(), ours.detach()
    os.set_blocking(writing, blocking)
    journal = Journal(os.fdopen(writing, "w"), journald=True)
    began = time.monotonic()
    for number in range(2000):
        journal.info(f"{number:04} " + "x" * 1000)
    assert time.monotonic() - began < GENEROUS_S
    os.set_blocking(reading, False)
    arrived = drained(reading)
    journal.info("after")
    told, after = drained(reading)[-2:]
    assert after == "<6>after"
    whole = [line for line in arrived if re.fullmatch(r"<6>\d{4} x{1000}", line)]
    assert told == f"<4>{2000 - len(whole)} lines of this log were lost here"
    assert whole == arrived or kind == "socket"
    os.close(reading)
    journal._stream.close()


def drained(descriptor: int) -> list[str]:
    """Return the lines that can be read from a non-blocking descriptor now."""
    found = b""
    try:
        while part := os.read(descriptor, 65536):
            found += part
    except BlockingIOError:
        pass
    return found.decode().splitlines()


def test_threads(pipe: Pipe) -> None:
    """Lines of several threads do not run into each other, nor do those of one text."""
    journal = Journal(pipe.stream, journald=True)

    def talk(name: str) -> None:
        for number in range(100):
            journal.info(f"{name}{number}\n{name}{number}")

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = pipe.read()
    assert len(lines) == 600
    assert lines[0::2] == lines[1::2]


def test_a_warning_in_the_middle_of_a_line(pipe: Pipe) -> None:
    """A finalizer that warns while its own thread writes a line does not stop that for ever."""
    warned = False

    def clock() -> float:
        nonlocal warned
        if not warned:
            warned = True
            journal.warning("unclosed socket")
        return 0.0

    journal = Journal(pipe.stream, journald=False, clock=clock)
    thread = threading.Thread(target=journal.info, args=("well",), daemon=True)
    thread.start()
    thread.join(GENEROUS_S)
    assert not thread.is_alive()
    assert [line.partition(" ")[2] for line in pipe.read()] == [
        "warning: unclosed socket",
        "info: well",
    ]


def test_a_stream_without_a_descriptor() -> None:
    """Any text stream will do."""
    stream = io.StringIO()
    Journal(stream, journald=True).info("x")
    assert stream.getvalue() == "<6>x\n"
    assert not is_journald(stream, {"JOURNAL_STREAM": "1:2"})


def test_whose_stream_it_is(pipe: Pipe) -> None:
    """Only the very stream that journald reads gets prefixes, not one that was redirected."""
    there = os.fstat(pipe.stream.fileno())
    assert is_journald(pipe.stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"})
    assert not is_journald(pipe.stream, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino + 1}"})
    assert not is_journald(pipe.stream, {"JOURNAL_STREAM": "nonsense"})
    assert not is_journald(pipe.stream, {})


def test_libraries_that_log(pipe: Pipe) -> None:
    """Warnings and errors of libraries arrive with their level, their idle talk does not."""
    library = logging.getLogger("urllib3.connectionpool")
    handler = adopt_logging(Journal(pipe.stream, journald=True))
    try:
        library.info("Starting new connection")
        library.warning("Retrying after %s", "x\n<0>y")
        library.error("failed")
        library.critical("dead")
        # Not through the logger: pytest's own handler would raise.
        handler.emit(logging.LogRecord("broken", 30, "", 0, "%d", ("not a number",), None))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    finally:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)
    lines = pipe.read()
    assert lines[:5] == [
        "<4>urllib3.connectionpool: Retrying after x",
        "<4><0>y",
        "<3>urllib3.connectionpool: failed",
        "<2>urllib3.connectionpool: dead",
        "<4>broken: a log line that cannot be formatted",
    ]
    assert lines[5].startswith("<4>py.warnings: ")
    assert "DeprecationWarning: old" in lines[5]


def test_logging_is_imported_late() -> None:
    """Reading the module costs no import of logging."""
    program = "import sys, mailwatch.host.journal; sys.exit('logging' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
