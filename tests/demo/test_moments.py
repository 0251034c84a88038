"""Waiting for turns of the story, the story that does not come about, and its figures."""

from __future__ import annotations

import io
import threading
import time

import pytest

from mailwatch.demo.moments import Moments, NoStory, Turn
from mailwatch.demo.screen import Screen
from mailwatch.demo.story import sum_up


def test_a_turn_is_waited_for() -> None:
    """wait() returns once the turn has come, in whatever thread; its first moment counts."""
    moments = Moments(iter((1.0, 2.0, 5.0)).__next__)
    moments.note(Turn.HUNG)
    later = threading.Timer(0.05, lambda: moments.note(Turn.ASKED))
    later.start()
    moments.wait(Turn.ASKED, 60)
    later.join()
    moments.note(Turn.ASKED)
    assert moments.came(Turn.ASKED)
    assert moments.between(Turn.HUNG, Turn.ASKED) == 1.0


def test_a_turn_that_does_not_come_is_a_sentence() -> None:
    """It says what did not come and what to do."""
    moments = Moments()
    assert not moments.came(Turn.OPENED)
    with pytest.raises(NoStory, match=r"^The message that mail is down did not come"):
        moments.wait(Turn.OPENED, 0.01)


def test_the_end_wakes_everybody() -> None:
    """end() ends every wait at once, as Ctrl-C would."""
    moments = Moments()
    began = time.monotonic()
    threading.Timer(0.05, moments.end).start()
    with pytest.raises(KeyboardInterrupt):
        moments.wait(Turn.OPENED, 60)
    with pytest.raises(KeyboardInterrupt):
        moments.came(Turn.WELL, 60)
    assert time.monotonic() - began < 55


def test_the_table_takes_the_rest_of_the_interval_apart() -> None:
    """Hung 0.5 s before the next round, told 2.6 s after it began: 1.04 of a floor of 2.5 s."""
    told = (
        (Turn.WELL, 10.0),
        (Turn.HUNG, 11.5),
        (Turn.ASKED, 12.0),
        (Turn.OPENED, 14.6),
        (Turn.RESTARTING, 14.6),
        (Turn.RESTARTED, 15.6),
        (Turn.RECOVERED, 16.75),
    )
    moments = Moments(iter([at for _, at in told]).__next__)
    for turn, _ in told:
        moments.note(turn)
    stream = io.StringIO()
    sum_up(Screen(stream, broken=moments.end), moments)
    table = " ".join(stream.getvalue().split())
    assert "hang to first message 3.10 s 0.50 s until the next round, and 2.60 s to be" in table
    assert "of these, to be sure 2.60 s 1.040 x the least possible" in table
    assert "restart 1.00 s" in table
    assert "restart to mail flows 1.15 s" in table
