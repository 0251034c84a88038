"""When evidence is gathered once more: after an order of ours, and when the target has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailwatch.core.investigation import LOOK_GRACE_S
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.occasion import Occasion, calls_for_a_look
from mailwatch.core.state import Attempt, Incident, Stage, State

NOW = Now(1000.0, 1_700_000_000.0)
INCIDENT = Incident("20231114T221320Z", NOW, NOW, (), ())
DOWN = State(Stage.DOWN, INCIDENT)
TRIED = replace(INCIDENT, attempts=(Attempt(1, NOW, None),))
RUNS = TargetState(Condition.RUNNING, finished_at=5.0)
ENDED = TargetState(Condition.CRASHED, finished_at=7.0)


def _verifying(left_s: float) -> State:
    return State(Stage.VERIFYING, TRIED, due=NOW.steady + left_s)


@pytest.mark.parametrize(
    ("before", "state", "target", "looks"),
    [
        (Occasion(), State(), None, True),
        (Occasion(), DOWN, RUNS, False),
        (Occasion(), DOWN, None, False),
        (Occasion(), DOWN, ENDED, True),
        (Occasion(0, 7.0), DOWN, ENDED, False),
        (Occasion(0, 6.0), DOWN, ENDED, True),
        (Occasion(), _verifying(60), RUNS, False),
        (Occasion(), _verifying(60), ENDED, True),
        (Occasion(), _verifying(LOOK_GRACE_S), RUNS, True),
        (Occasion(1), _verifying(0), RUNS, False),
        (Occasion(), State(Stage.ESCALATED, TRIED), RUNS, True),
        (Occasion(1), State(Stage.ESCALATED, TRIED), RUNS, False),
        (Occasion(0, 7.0), DOWN, replace(ENDED, condition=Condition.STOPPED), False),
        (Occasion(0, None, 5.0), DOWN, replace(RUNS, started_at=NOW.wall - 29), False),
        (Occasion(0, None, 5.0), DOWN, replace(RUNS, started_at=NOW.wall - 30), True),
        (Occasion(0, None, 5.0), _verifying(60), replace(RUNS, started_at=NOW.wall - 30), False),
    ],
)
def test_a_look_is_for_what_nobody_has_seen_yet(
    before: Occasion, state: State, target: TargetState | None, looks: bool
) -> None:
    """One for each order of ours once it has had its time, and one for each end; no more."""
    assert calls_for_a_look(before, state, target, NOW) is looks
    after = Occasion.of(state, target)
    if looks and state.incident is not None:
        assert not calls_for_a_look(after, state, target, NOW)


def test_what_joins_calls_for_a_look_once() -> None:
    """Why one fails does not say why others do; who fails by turns is not looked at anew."""
    pop3, both = frozenset({"POP3:110"}), frozenset({"POP3:110", "IMAPS:993"})
    before = Occasion.of(DOWN, RUNS, pop3)
    assert not calls_for_a_look(before, DOWN, RUNS, NOW, pop3)
    assert calls_for_a_look(before, DOWN, RUNS, NOW, both)
    after = Occasion.of(DOWN, RUNS, both - pop3, before)
    for failing in (pop3, both, both - pop3):
        assert not calls_for_a_look(after, DOWN, RUNS, NOW, failing)
