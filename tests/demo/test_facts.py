"""Waiting for turns of the story, and the story that does not come about."""

from __future__ import annotations

import threading
import time

import pytest

from mailwatch.core.policy import Attempts, Policy
from mailwatch.demo.facts import Facts, NoStory, Over, Turn
from mailwatch.demo.story import await_pace, figures


def test_a_turn_is_waited_for() -> None:
    """wait() returns once the turn has happened often enough, in whatever thread."""
    facts = Facts()
    facts.note(Turn.WELL, 1.0)
    later = threading.Timer(0.05, lambda: facts.note(Turn.WELL, 2.0))
    later.start()
    facts.wait(Turn.WELL, 2, 60, "never")
    later.join()
    assert facts.of(Turn.WELL) == (1.0, 2.0)


def test_a_turn_that_does_not_come_is_a_sentence() -> None:
    """The sentence is the one that the caller gave."""
    with pytest.raises(NoStory, match=r"^It did not come\.$"):
        Facts().wait(Turn.OPENED, 1, 0.01, "It did not come.")


def test_the_end_wakes_everybody() -> None:
    """end() ends every wait and pause at once, and what is only for before is not done."""
    facts = Facts()
    began = time.monotonic()
    threading.Timer(0.05, facts.end).start()
    with pytest.raises(Over):
        facts.pause(60)
    with pytest.raises(Over):
        facts.wait(Turn.OPENED, 1, 60, "never")
    assert time.monotonic() - began < 55
    facts.unless_over(lambda: pytest.fail("it is over"))


@pytest.mark.parametrize(
    ("began", "taken"),
    [
        ([0.2, 2.2, 4.2], 2.2),
        ([0.2, 3.7, 4.2, 6.2, 8.2], 6.2),
        ([0.2, 3.2, 4.2, 7.2, 8.2, 11.2, 13.2], 11.2),
    ],
    ids=["at once", "one was drawn out", "all are"],
)
def test_the_story_begins_after_a_round_that_came_when_it_was_due(
    began: list[float], taken: float
) -> None:
    """A round that was retried or stood still tells nothing of when the next one is due."""
    facts = Facts()
    for moment in began:
        facts.note(Turn.WELL, moment)
    assert await_pace(facts, Policy(interval_s=2)) == taken


def test_figures_take_the_rest_of_the_interval_apart() -> None:
    """Hung 0.5 s before the next round, told 2.6 s after it began: 1.04 of a floor of 2.5 s."""
    facts = Facts()
    for turn, at in (
        (Turn.WELL, 8.0),
        (Turn.WELL, 10.0),
        (Turn.HUNG, 11.5),
        (Turn.OPENED, 14.6),
        (Turn.RESTARTING, 14.6),
        (Turn.RESTARTED, 15.6),
        (Turn.WELL, 16.6),
        (Turn.RECOVERED, 16.7),
    ):
        facts.note(turn, at)
    told = figures(facts, Policy(interval_s=2, attempts=Attempts(2, 1, 0.5)))
    assert told.until_due == pytest.approx(0.5)
    assert told.detection == pytest.approx(2.6)
    assert told.ratio == pytest.approx(1.04)
    assert told.until_told == pytest.approx(3.1)
    assert told.restart == pytest.approx(1.0)
    assert told.recovery == pytest.approx(1.1)
