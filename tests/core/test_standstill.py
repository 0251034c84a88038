"""Time that a process did not have: when it counts, and what it does to what was measured."""

from __future__ import annotations

import pytest

from mailwatch.core.facts import words
from mailwatch.core.investigation import Investigation
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.standstill import JUDGED_FROM, LOST_S, NOISE_S, lost
from mailwatch.core.state import Stage, State
from mailwatch.core.transitions import stood_still

GOOD = Reading("IMAP:993", Verdict.PASS)
BAD = Reading("SMTP:25", Verdict.FAIL, Fault.SILENT, words("no greeting came"))
NOW = Now(100.0, 1_700_000_000.0)


@pytest.mark.parametrize(
    ("asked_s", "passed_s", "lost_s"),
    [(5, 0.1, 0), (5, 5, 0), (5, 5 + NOISE_S / 2, 0), (0.25, 6.25, 6), (0.25, 1, 0.75)],
)
def test_a_wait_that_lasts_far_too_long_was_lost(
    asked_s: float, passed_s: float, lost_s: float
) -> None:
    """An event that ends it early, and a busy host's usual delay, cost nothing."""
    assert lost(asked_s, passed_s) == lost_s


def after_round(before: Investigation, *losses: float) -> Investigation:
    """Return what is known once a round has ended in which one service failed."""
    one = before.begun()
    for lost_s in losses:
        one = one.stood_still(lost_s, lost_s)
    return one.ended((GOOD, BAD), NOW)


def test_a_round_that_lost_much_of_its_time_has_measured_passes_alone() -> None:
    """In one piece or in several; its failures say why nothing is known of their services."""
    for losses in ((6.0,), (0.6, 0.6)):
        good, unmeasured = after_round(Investigation(), *losses).readings
        assert good == GOOD
        assert (unmeasured.verdict, unmeasured.fault) == (Verdict.UNMEASURED, None)
    assert say(unmeasured.detail) == "this host stood still for 1.2 s during the check"
    assert after_round(Investigation(), LOST_S).readings == (GOOD, BAD)


def test_the_third_in_a_row_is_judged_and_so_are_those_after_it() -> None:
    """Whoever always stands still must judge all the same; one good round makes it rare again."""
    one, judged = Investigation(), []
    for lost_s in (6.0, 6.0, 6.0, 6.0, 0.0, 6.0):
        ended = after_round(one, lost_s)
        judged.append(ended.readings == (GOOD, BAD))
        one = ended.decided(State())
    assert JUDGED_FROM == 3
    assert judged == [False, False, True, True, True, False]


def test_what_is_awaited_has_the_time_that_was_lost() -> None:
    """Neither look nor evidence was late, for nobody was there; a suspended clock adds nothing."""
    waits = after_round(Investigation()).examining(NOW.steady + 5)
    before = waits.decidable_at
    later = waits.stood_still(9, 6).decidable_at
    assert before is not None
    assert later == before + 6


def test_a_target_is_given_what_was_lost() -> None:
    """What it gets to come up in, and to answer in, is time in which somebody looks."""
    state = State(stage=Stage.VERIFYING, due=110.0)
    assert stood_still(state, 6).due == 116
    assert stood_still(State(), 6) == State()
