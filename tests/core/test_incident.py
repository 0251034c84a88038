"""The timelines of an incident, told with plain values."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, get_args

import pytest

from mailwatch.core.events import Event, Passed, RestartEnded, Restored, TimePassed
from mailwatch.core.facts import words
from mailwatch.core.incident import MOVES
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.say import say
from mailwatch.core.state import Outcome, Reason, Stage

pytestmark = pytest.mark.usefixtures("said_both_ways")

if TYPE_CHECKING:
    from tests.core.conftest import Watcher

WALL = 1_700_000_000.0
RUNNING = TargetState(Condition.RUNNING, started_at=WALL - 86_400)


def test_every_stage_has_a_move_for_every_event() -> None:
    """The table's keys are the full product: a forgotten cell fails by name."""
    assert set(MOVES) == set(product(Stage, get_args(Event)))


# --- the original's behaviour -------------------------------------------------------------


def test_the_first_attempt_follows_the_original(watch: Watcher) -> None:
    """Fail: tell and restart at once; wait 15 s; look; poll until 60 s later; then call."""
    w = watch()
    actions = w.fail(Fault.SILENT, Fault.TIMEOUT)
    assert [type(action).__name__ for action in actions] == ["Tell", "Restart"]
    assert w.topics == [Topic.OPENED]
    assert [f.service for f in w.told[0].incident.failures] == ["S1:1", "S2:2"]
    assert w(RestartEnded(), after=3) == ()
    assert w(TimePassed(), after=14.9) == ()
    assert w.is_in(Stage.SETTLING)
    w(TimePassed(), after=0.1)
    assert w.is_in(Stage.VERIFYING)
    for _ in range(6):
        assert w.fail() == ()
        w(TimePassed(), after=9.99)
    w.fail(after=0.06)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.restarts == [0]


def test_recovery_after_the_restart_is_told_at_the_first_look(watch: Watcher) -> None:
    """Nothing is waited for once all services answer."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w(Passed())
    assert w.topics == [Topic.OPENED, Topic.RECOVERED]
    assert w.told[-1].incident.attempts[0].outcome is Outcome.RECOVERED
    assert w.is_in(Stage.HEALTHY)
    assert w.state.incident is None


def test_a_refused_restart_calls_a_person_at_once(watch: Watcher) -> None:
    """What the restarter said is kept with the attempt."""
    w = watch()
    w.fail()
    w(RestartEnded(words("Docker says no.")), after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert "Docker says no" in say(w.incident.attempts[0].detail)


def test_incidents_within_one_second_have_different_ids(watch: Watcher) -> None:
    """Short intervals must not let two incidents share one id, in the store or on the phone."""
    w = watch()
    ids = []
    for _ in range(3):
        w.fail(condition=Condition.STOPPED, after=0.1)
        ids.append(w.incident.id)
        w(Passed(), after=0.1)
    assert ids == ["20231114T221320Z", "20231114T221320Z-2", "20231114T221320Z-3"]


@pytest.mark.parametrize("back_s", [1, 3600, 400 * 86_400])
def test_a_clock_that_is_set_back_gives_no_id_twice(watch: Watcher, back_s: float) -> None:
    """The store keeps incidents by their id: a second one of that id would replace the first."""
    w = watch()
    ids = []
    for step_s in (0, back_s, -back_s, 0, -60):  # back, forth, again in that second, and onward
        w.now = replace(w.now, wall=w.now.wall - step_s)
        w.fail(condition=Condition.STOPPED, after=0.1)
        ids.append(w.incident.id)
        w(Passed(), after=0.1)
    first = "20231114T221320Z"
    assert ids == [first, f"{first}-2", f"{first}-3", f"{first}-4", "20231114T221420Z"]


# --- further attempts ---------------------------------------------------------------------


def test_later_attempts_are_quiet_and_wait_for_the_backoff(watch: Watcher) -> None:
    """300 s after the first was given up, then 600 s; recovery is told all the same."""
    w = watch()
    w.escalate()
    given_up = w.now.steady
    w.fail(after=299)
    assert len(w.restarts) == 1
    w.fail(after=1)
    assert w.restarts[1:] == [given_up + 300]
    w.go_through_restart()
    w.fail(after=60)
    given_up = w.now.steady
    w.fail(after=599)
    w.fail(after=1)
    assert w.restarts[2:] == [given_up + 600]
    w.go_through_restart()
    w(Passed())
    assert w.topics == [Topic.OPENED, Topic.ESCALATED, Topic.RECOVERED]
    outcomes = [attempt.outcome for attempt in w.told[-1].incident.attempts]
    assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.RECOVERED]


def test_an_escalated_incident_is_brought_to_mind_as_the_admin_wants(watch: Watcher) -> None:
    """Every `remind_every_s`, and never with 0."""
    for remind_every_s, reminders in ((1000, 3), (0, 0)):
        w = watch(remind_every_s=remind_every_s, max_restarts=1)
        w.escalate()
        for _ in range(35):
            w.fail(after=100)
        assert w.topics == [Topic.OPENED, Topic.ESCALATED] + [Topic.REMINDER] * reminders


def test_a_spent_budget_calls_at_once_and_healing_resumes_when_it_frees(watch: Watcher) -> None:
    """A new incident with nothing left to spend is a person's; later restarts go on quietly."""
    w = watch(max_restarts=1, window_s=10_000, cooldown_s=0, backoff_s=0)
    w.fail()
    w.go_through_restart()
    w(Passed())
    w.fail(after=500)
    assert w.topics == [Topic.OPENED, Topic.RECOVERED, Topic.ESCALATED]
    assert w.told[-1].next_restart == 10_000
    w.fail(after=9_000)
    assert len(w.restarts) == 1
    w.fail(after=1_000)
    assert len(w.restarts) == 2
    assert Topic.OPENED not in w.topics[3:]


def test_a_flapping_service_waits_for_the_cooldown(watch: Watcher) -> None:
    """The second incident opens and is told, but its restart waits; then it happens quietly."""
    w = watch(backoff_s=0)
    w.fail()
    w.go_through_restart()
    w(Passed())
    recovered = w.now.steady
    w.fail(after=120)
    assert w.topics[2:] == [Topic.OPENED]
    assert w.told[-1].next_restart == recovered + 300
    w.fail(after=60)
    assert len(w.restarts) == 1
    assert w.incident.hold is not None
    assert w.incident.hold.reason is Reason.BACKOFF


def test_the_next_restart_that_is_told_respects_backoff_and_budget(watch: Watcher) -> None:
    """A person who reads of a time can rely on it: neither forbids the restart then."""
    w = watch(max_restarts=1, window_s=200, backoff_s=1000)
    w.escalate()
    assert w.told[-1].next_restart == w.now.steady + 1000
    w = watch(max_restarts=1, window_s=5000, backoff_s=1000, remind_every_s=100)
    w.escalate()
    w.fail(after=100)
    assert [tell.next_restart for tell in w.told[1:]] == [5000, 5000]
    w.fail(after=5000 - w.now.steady)
    assert len(w.restarts) == 2
    w = watch(max_restarts=1, window_s=200, backoff_s=1000, remind_every_s=1)
    w.escalate()
    w.fail(after=10)
    assert w.incident.hold is not None
    assert w.incident.hold.reason is Reason.BUDGET
    assert w.told[-1].next_restart == w.told[1].next_restart


def test_attempts_that_never_took_place_are_forgotten_after_a_long_calm_too(
    watch: Watcher,
) -> None:
    """They count while they are fresh, and no longer."""
    w = watch()
    w.fail()
    w(Restored(RUNNING), after=1)
    w(Passed(), after=1)
    assert w.state.target.streak == 1
    w(Passed(), after=3600)
    assert w.state.target.streak == 0


def test_switched_off_restarts_promise_none(watch: Watcher) -> None:
    """max_restarts = 0: a person is called, and no time is named."""
    w = watch(max_restarts=0)
    w.fail()
    assert w.topics == [Topic.ESCALATED]
    assert w.told[0].next_restart is None


def test_a_long_calm_makes_the_next_attempt_a_first_one(watch: Watcher) -> None:
    """The backoff starts anew after `rearm_after_s` without failure."""
    w = watch()
    w.escalate()
    w(Passed(), after=10)
    assert w.state.target.streak == 1
    w(Passed(), after=3599)
    assert w.state.target.streak == 1
    w(Passed(), after=1)
    assert w.state.target.streak == 0


# --- before an incident opens -------------------------------------------------------------


def test_a_failure_that_is_too_short_opens_nothing(watch: Watcher) -> None:
    """With min_failure_s nothing is told of a failure that passes sooner."""
    w = watch(min_failure_s=60)
    w.fail()
    assert w.is_in(Stage.CONFIRMING)
    w.fail(after=59)
    w(Passed(), after=0.5)
    assert w.topics == []
    w.fail()
    w.fail(after=60)
    assert w.topics == [Topic.OPENED]
    assert w.incident.since.steady == w.now.steady - 60


def test_a_starting_target_has_its_grace_and_no_more(watch: Watcher) -> None:
    """A slow start is left alone; one that never ends is restarted."""
    w = watch()
    w.fail(condition=Condition.STARTING)
    w.fail(condition=Condition.STARTING, after=299)
    assert w.topics == []
    w.fail(condition=Condition.STARTING, after=1)
    assert w.restarts == [300]


def test_a_crash_loop_uses_up_its_grace_too(watch: Watcher) -> None:
    """Fresh starts in a row, each seconds old, are one start without end."""
    w = watch()
    for _ in range(30):
        w.fail(started_at=w.now.wall + 7, after=10)
        assert not w.restarts
    w.fail(started_at=w.now.wall + 7, after=10)
    assert w.restarts == [310]


def test_a_restart_begins_a_new_grace(watch: Watcher) -> None:
    """A target that used its grace up, and is then restarted, may start slowly once more."""
    w = watch()
    w.fail(condition=Condition.STARTING)
    w.fail(condition=Condition.STARTING, after=300)
    w.go_through_restart()
    w.fail(condition=Condition.STARTING)
    w.fail(condition=Condition.STARTING, after=299)
    assert w.topics == [Topic.OPENED]
    w.fail(condition=Condition.STARTING, after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


# --- the final window ---------------------------------------------------------------------


def test_somebody_elses_restart_during_the_final_window_has_its_own_time(watch: Watcher) -> None:
    """It comes up again: nobody is called while it does, and somebody is when it does not."""
    w = watch()
    w.fail()
    w.go_through_restart()
    anew = w.now.wall + 55
    w.fail(after=60, started_at=anew)
    assert w.is_in(Stage.VERIFYING)
    w.fail(after=10, started_at=anew)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_a_clock_that_was_set_back_hides_no_restart(watch: Watcher) -> None:
    """A restart that was cut short took place if the start is another one, sooner or later."""
    w = watch()
    w.fail()
    earlier = TargetState(Condition.RUNNING, started_at=WALL - 90_000)
    w(Restored(earlier), after=3)
    assert w.is_in(Stage.SETTLING)


def test_an_incident_follows_what_fails_now_and_remembers_what_failed_first(
    watch: Watcher,
) -> None:
    """Other services may join and leave; it stays one incident with one opening."""
    w = watch()
    w.fail(Fault.SILENT)
    w.go_through_restart()
    w.fail(Fault.TIMEOUT, Fault.REFUSED)
    assert [f.fault for f in w.incident.failures] == [Fault.TIMEOUT, Fault.REFUSED]
    assert [f.fault for f in w.incident.first_failures] == [Fault.SILENT]
    assert w.topics == [Topic.OPENED]


def test_an_operator_who_stops_a_restarted_target_is_left_in_peace(watch: Watcher) -> None:
    """No call; said once; and the next attempt keeps the backoff, for this one did happen."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w.fail(condition=Condition.STOPPED, after=20)
    stopped_at = w.now.steady
    assert w.topics == [Topic.OPENED, Topic.HELD]
    assert w.incident.attempts[0].outcome is Outcome.FAILED
    w.fail(after=100)
    w.fail(after=199)
    assert len(w.restarts) == 1
    w.fail(after=1)
    assert w.restarts[1:] == [stopped_at + 300]


def test_a_pause_during_the_final_window_calls_nobody(watch: Watcher) -> None:
    """The admin who pauses is at work; a call comes only if it still fails after the pause."""
    w = watch()
    w.fail()
    w.go_through_restart()
    pause = Now(w.now.steady + 200, w.now.wall + 200)
    w.fail(after=60, paused_until=pause)
    w.fail(after=60, paused_until=pause)
    assert w.topics == [Topic.OPENED]
    w.fail(after=81)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
