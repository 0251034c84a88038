from __future__ import annotations

import pytest

from mailwatch.core.model import Now
from mailwatch.core.policy import Policy
from mailwatch.core.schedule import Rounds, plan
from mailwatch.core.state import OPEN, Stage, State

_POLICY = Policy()


def _at(state: State, rounds: Rounds, now: float) -> float:
    following = plan(state, rounds, now, _POLICY)
    assert following is not None
    return following.at


@pytest.mark.parametrize("stage", [Stage.HEALTHY, Stage.DOWN, Stage.VERIFYING, Stage.ESCALATED])
def test_the_first_round_of_a_process_is_due_at_once(stage: Stage) -> None:
    """Nobody waits two minutes for the first look after a start."""
    assert _at(State(stage), Rounds(), 77) == 77


@pytest.mark.parametrize("stage", [Stage.RESTARTING, Stage.SETTLING])
def test_nobody_looks_while_the_target_restarts_or_settles(stage: Stage) -> None:
    """A look in that time would say nothing."""
    assert plan(State(stage), Rounds(0, 1, Stage.DOWN), 99, _POLICY) is None


def test_while_all_is_well_rounds_begin_an_interval_apart() -> None:
    """The interval counts from beginning to beginning, and a long round is followed at once."""
    assert _at(State(), Rounds(100, 101, Stage.HEALTHY), 101) == 220
    assert _at(State(), Rounds(100, 230, Stage.HEALTHY), 230) == 230


@pytest.mark.parametrize("stage", [Stage.CONFIRMING, Stage.DOWN, Stage.ESCALATED])
def test_while_something_fails_rounds_begin_close_together(stage: Stage) -> None:
    """Recovery is noticed within `verify_every_s`."""
    assert _at(State(stage), Rounds(100, 101, stage), 101) == 110


def test_looks_during_an_incident_are_never_rarer_than_while_all_is_well() -> None:
    """A short interval shortens the pauses of an incident too."""
    policy = Policy(interval_s=3)
    following = plan(State(Stage.DOWN), Rounds(100, 101, Stage.DOWN), 101, policy)
    assert following is not None
    assert following.at == 103


@pytest.mark.parametrize("stage", list(Stage))
def test_an_open_incident_is_watched_patiently(stage: Stage) -> None:
    """During an incident each service is asked once, with the longer timeout."""
    following = plan(State(stage), Rounds(), 0, _POLICY)
    if following is not None:
        expected = _POLICY.verifying if stage in OPEN else _POLICY.attempts
        assert following.attempts == expected
        assert following.attempts.longest_s == (15 if stage in OPEN else 25)


def test_the_first_look_after_settling_is_due_at_once() -> None:
    """The round before the restart does not delay the first one after it."""
    state = State(Stage.VERIFYING, due=190)
    assert _at(state, Rounds(129, 129.5, Stage.DOWN), 130) == 130


def test_the_last_look_falls_on_the_end_of_the_final_window() -> None:
    """The person is called when the window ends, not up to ten seconds later."""
    state = State(Stage.VERIFYING, due=165)
    assert _at(state, Rounds(150, 150.1, Stage.VERIFYING), 151) == 160
    assert _at(state, Rounds(160, 160.1, Stage.VERIFYING), 161) == 165


def test_rounds_past_the_end_of_the_window_keep_their_pause() -> None:
    """A target in its starting grace, or services we cannot look at, never make rounds spin."""
    state = State(Stage.VERIFYING, due=165)
    assert _at(state, Rounds(165, 165.1, Stage.VERIFYING), 165.1) == 175
    assert _at(state, Rounds(175, 175.1, Stage.VERIFYING), 175.1) == 185


def test_the_plan_never_lies_before_the_end_of_the_last_round() -> None:
    """One round at a time."""
    slow = Rounds(100, 140, Stage.DOWN)
    assert _at(State(Stage.DOWN, failing_since=Now(0, 0)), slow, 140) == 140
