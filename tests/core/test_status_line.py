"""The status line, for each way in which things can stand."""

from __future__ import annotations

from mailwatch.core.facts import NOTHING, Fact, words
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.state import Incident, Stage, State
from mailwatch.core.status_line import is_news, line

WELL = Reading("SMTP:25", Verdict.PASS)
FAILED = Reading("IMAPS:993", Verdict.FAIL, Fault.SILENT, words("no greeting"))
UNSEEN = Reading("HTTPS:443", Verdict.UNMEASURED, detail=words("no route"))


def said(
    *readings: Reading,
    state: State | None = None,
    paused: bool = False,
    next_at: float | None = None,
) -> Fact:
    """Return the line as a fact."""
    return line(readings, state or State(), paused=paused, next_at=next_at)


def shown_as(fact: Fact) -> str:
    """Return the line, on a clock that always reads the same."""
    return say(fact, lambda wall: "03:14:02")


def test_before_the_first_round() -> None:
    """Nothing is claimed before anything was asked."""
    assert shown_as(said(next_at=0)) == "the first check is under way"


def test_all_well() -> None:
    """The line counts the services and says when the next check is due.

    By the clock: what `systemctl status` shows is as old as the last round, and a span is not true
    any more.
    """
    assert shown_as(said(WELL, next_at=117.6)) == "1 of 1 services answer; next check 03:14:02"


def test_while_a_round_is_under_way() -> None:
    """Without a next check there is no time to say."""
    assert shown_as(said(WELL)) == "1 of 1 services answer"


def test_the_begin_of_a_round_is_no_news_and_its_outcome_is() -> None:
    """Also where the next round follows at once: a status may never stay what it was."""
    shown = said(WELL, UNSEEN, next_at=117)
    assert not is_news(said(WELL, UNSEEN), shown)
    assert is_news(said(WELL, UNSEEN, next_at=116), shown)
    assert is_news(said(WELL, FAILED), shown)
    assert is_news(said(UNSEEN, UNSEEN), shown)
    assert is_news(said(WELL), NOTHING)
    assert not is_news(said(WELL), said(WELL))


def test_what_could_not_be_looked_at_does_not_answer() -> None:
    """An unmeasured service is counted by itself."""
    assert shown_as(said(WELL, UNSEEN)) == "1 of 2 services answer, 1 could not be checked"


def test_a_pause_is_said() -> None:
    """Nobody has to wonder why nothing happens."""
    assert shown_as(said(WELL, FAILED, paused=True)) == "1 of 2 services answer; paused"


def test_an_open_incident() -> None:
    """Its id, since when and where it stands take the place of the next check."""
    at = Now(1, 2)
    state = State(Stage.SETTLING, Incident("20261122T031402Z", at, at, (), ()))
    assert shown_as(said(WELL, FAILED, state=state, next_at=5)) == (
        "1 of 2 services answer; incident 20261122T031402Z since 03:14:02, settling"
    )
