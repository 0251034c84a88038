"""The timelines of an incident, told with plain values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, get_args

import pytest

from mailwatch.core.events import (
    Event,
    Failed,
    Note,
    Passed,
    Restart,
    RestartEnded,
    Restored,
    TimePassed,
)
from mailwatch.core.incident import MOVES
from mailwatch.core.judgement import Situation
from mailwatch.core.model import Condition, Fault, Now, TargetState, Topic
from mailwatch.core.state import Hold, Outcome, Reason, Stage

WALL = 1_700_000_000.0
Watch = Any  # tests/core/conftest.py; a conftest cannot be imported by its name
Watcher = Callable[..., Watch]
Maker = Callable[..., Situation]

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
    w(RestartEnded("Docker says no."), after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert "Docker says no" in w.incident.attempts[0].detail


def test_incidents_within_one_second_have_different_ids(watch: Watcher) -> None:
    """Short intervals must not let two incidents share one id, in the store or on the phone."""
    w = watch()
    ids = []
    for _ in range(3):
        w.fail(condition=Condition.STOPPED, after=0.1)
        ids.append(w.incident.id)
        w(Passed(), after=0.1)
    assert ids == ["20231114T221320Z", "20231114T221320Z-2", "20231114T221320Z-3"]


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
    assert w.state.streak == 1
    w(Passed(), after=3600)
    assert w.state.streak == 0


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
    assert w.state.streak == 1
    w(Passed(), after=3599)
    assert w.state.streak == 1
    w(Passed(), after=1)
    assert w.state.streak == 0


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


# --- the target is somebody else's --------------------------------------------------------


@pytest.mark.parametrize("condition", [Condition.STOPPED, Condition.PAUSED, Condition.REMOVING])
def test_what_an_operator_stopped_is_left_alone_and_said_once(
    watch: Watcher, condition: Condition
) -> None:
    """One message, no restart, no reminder; healing resumes when it runs again."""
    w = watch()
    for _ in range(50):
        w.fail(condition=condition, after=3600)
    assert w.topics == [Topic.HELD]
    assert w.restarts == []
    w.fail(after=10)
    assert w.topics == [Topic.HELD, Topic.OPENED]
    assert len(w.restarts) == 1


@pytest.mark.parametrize("condition", [Condition.UNREACHABLE, Condition.DENIED])
def test_maintenance_that_stops_docker_too_calls_nobody(
    watch: Watcher, condition: Condition
) -> None:
    """What an operator stopped stays stopped on purpose while nobody can see it."""
    w = watch()
    w.fail(condition=Condition.STOPPED)
    for _ in range(100):
        w.fail(condition=condition, after=10)
    assert w.topics == [Topic.HELD]
    w.fail(after=10)
    assert w.topics == [Topic.HELD, Topic.OPENED]


def test_reasons_are_noted_once_each_time_they_change(watch: Watcher) -> None:
    """The log is not filled with the same sentence every ten seconds."""
    w = watch()
    notes = []
    for condition in (*[Condition.UNREACHABLE] * 3, *[Condition.DENIED] * 3):
        notes += [a for a in w.fail(condition=condition, after=5) if isinstance(a, Note)]
    assert [note.hold.reason for note in notes] == [Reason.UNREACHABLE, Reason.DENIED]


def test_docker_that_comes_back_in_time_leads_to_a_quiet_restart(watch: Watcher) -> None:
    """OPENED says that Docker does not answer; when it does, the restart needs no message."""
    w = watch()
    w.fail(condition=Condition.UNREACHABLE)
    assert w.topics == [Topic.OPENED]
    assert w.told[0].next_restart is None
    actions = w.fail(after=60)
    assert actions == (Restart(w.incident.id, 1, RUNNING),)


def test_docker_that_stays_away_calls_a_person(watch: Watcher) -> None:
    """After as long as a restart would have been given to help."""
    w = watch()
    w.fail(condition=Condition.UNREACHABLE)
    w.fail(condition=Condition.UNREACHABLE, after=74)
    assert w.topics == [Topic.OPENED]
    w.fail(condition=Condition.UNREACHABLE, after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_a_ban_that_begins_in_mid_round_is_a_ban(watch: Watcher) -> None:
    """The round sees half of it, and is no incident yet; the next one sees all of it."""
    w = watch()
    assert w.fail(Fault.DROPPED, Fault.DROPPED) == (Note(Hold(Reason.APART)),)
    assert w.is_in(Stage.CONFIRMING)
    w.fail(*[Fault.DROPPED] * 4, after=10)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED], [])
    assert w.incident.since.steady == 0


def test_a_ban_that_ends_in_mid_round_restarts_nothing(watch: Watcher) -> None:
    """What its last round still saw dropped is no reason; the recovery is told."""
    w = watch()
    w.fail(*[Fault.DROPPED] * 4)
    w.fail(Fault.DROPPED, after=10)
    w(Passed(), after=10)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED, Topic.RECOVERED], [])
    w.fail(Fault.DROPPED, after=100)
    assert w.restarts == [], "what was seen before the recovery does not count"


def test_who_alone_drops_us_is_restarted_by_the_second_round(watch: Watcher) -> None:
    """Whichever it is in each round: a limit may hit now this service and now that one."""
    w = watch()
    w.fail(Fault.DROPPED)
    w.fail(Fault.CERTIFICATE, Fault.DROPPED, after=10)
    assert (w.topics, w.restarts) == ([Topic.OPENED], [10])
    assert w.incident.since.steady == 0


def test_a_new_process_takes_no_old_round_for_the_one_before(watch: Watcher) -> None:
    """Unless an incident is open, in which nothing is forgotten."""
    w = watch()
    w.fail(Fault.DROPPED)
    w(Restored(RUNNING), after=100)
    w.fail(Fault.DROPPED)
    assert w.restarts == []


def test_the_cause_of_a_ban_ends_with_the_ban(watch: Watcher, situation: Maker) -> None:
    """What comes after it has a cause of its own; until then the one that was found stays."""
    w = watch()
    w(Failed(situation(*[Fault.DROPPED] * 4), "ban of 172.17.0.1"))
    w.fail(*[Fault.DROPPED] * 4, after=10)
    assert w.incident.cause == "ban of 172.17.0.1"
    for _ in range(2):
        w(Failed(situation(Fault.REFUSED), plain="nothing listens"), after=10)
    assert w.restarts == [30]
    assert w.incident.cause == "nothing listens"
    assert w.topics == [Topic.ESCALATED]


def test_a_cause_that_was_found_outweighs_what_is_plain(watch: Watcher, situation: Maker) -> None:
    """The evidence knows why nothing listens; what is plain stands where nothing was found."""
    w = watch(backoff_s=100)
    w(Failed(situation(Fault.REFUSED), "out of memory", "nothing listens"))
    assert w.incident.cause == "out of memory"
    w.go_through_restart()
    w(Failed(situation(Fault.REFUSED), plain="nothing listens"), after=60)
    assert w.incident.cause == "out of memory"


@pytest.mark.parametrize(
    ("faults", "condition", "reason"),
    [
        ([Fault.DROPPED] * 4, Condition.RUNNING, Reason.BANNED),
        ([Fault.CERTIFICATE], Condition.RUNNING, Reason.INCURABLE),
        ([Fault.SILENT], Condition.MISSING, Reason.MISSING),
        ([Fault.SILENT], Condition.DENIED, Reason.DENIED),
    ],
)
def test_what_no_restart_cures_is_a_persons_at_once(
    watch: Watcher, faults: list[Fault], condition: Condition, reason: Reason
) -> None:
    """One call, nothing else, and no restart."""
    w = watch()
    w.fail(*faults, condition=condition)
    w.fail(*faults, condition=condition, after=60)
    assert w.topics == [Topic.ESCALATED]
    assert w.restarts == []
    assert w.told[0].next_restart is None
    assert w.incident.hold is not None
    assert w.incident.hold.reason is reason


def test_a_service_that_never_passed_is_a_persons_until_it_hangs(watch: Watcher) -> None:
    """One call and no restart for its TLS; a restart, and no second call, once it is silent."""
    new = frozenset({"S1:1"})
    w = watch()
    w.fail(Fault.TLS, unproven=new)
    w.fail(Fault.TLS, unproven=new, after=60)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED], [])
    assert w.incident.hold == Hold(Reason.UNPROVEN, services=("S1:1",))
    w.fail(Fault.SILENT, unproven=new, after=60)
    w.fail(Fault.SILENT, unproven=new, after=10)
    assert (w.topics, len(w.restarts)) == ([Topic.ESCALATED], 1)


def test_a_restart_for_another_service_does_not_prove_it(watch: Watcher) -> None:
    """What still fails after that restart, and never passed, is not restarted for again."""
    w = watch(cooldown_s=0, backoff_s=0)
    w.fail(Fault.SILENT, Fault.TLS, unproven=frozenset({"S2:2"}))
    w.go_through_restart()
    w.fail(Fault.TLS, after=60, unproven=frozenset({"S1:1"}))
    w.fail(Fault.TLS, after=600, unproven=frozenset({"S1:1"}))
    assert len(w.restarts) == 1
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_while_an_incident_is_open_one_look_is_no_proof(watch: Watcher) -> None:
    """Each look is a single attempt then: a server that is reloaded just then is well again."""
    w = watch()
    w.fail(Fault.QUEUE)
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    w.fail(Fault.QUEUE, after=10)
    w.fail(Fault.QUEUE, Fault.RESET, after=10)
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    assert w.restarts == []
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    assert w.restarts == [50]


def test_while_an_incident_is_open_a_crash_is_proof_enough(watch: Watcher) -> None:
    """Docker itself says that the container has ended: that needs no second look."""
    w = watch()
    w.fail(Fault.QUEUE)
    w.fail(Fault.QUEUE, Fault.REFUSED, condition=Condition.CRASHED, after=10)
    assert w.restarts == [10]


def test_a_ban_that_shows_after_a_restart_is_told_as_one(watch: Watcher) -> None:
    """Who is called because it did not help must learn of the ban, not at the next reminder."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w.fail(*[Fault.DROPPED] * 4, after=w.policy.verify_for_s)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.told[-1].incident.hold == Hold(Reason.BANNED)
    assert w.incident.attempts[0].outcome is Outcome.FAILED


def test_a_restart_that_cured_all_that_it_can_has_helped(watch: Watcher) -> None:
    """A queue that is long before and after is no reason to call the restart a failure."""
    w = watch()
    w.fail(Fault.SILENT, Fault.QUEUE)
    w.go_through_restart()
    w.fail(Fault.QUEUE, after=w.policy.verify_for_s)
    assert w.incident.attempts[0].outcome is Outcome.RECOVERED
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.told[-1].incident.hold == Hold(Reason.INCURABLE)
    w.fail(Fault.QUEUE, Fault.SILENT, after=10)
    w.fail(Fault.QUEUE, Fault.SILENT, after=10)
    assert w.incident.hold is not None
    assert w.incident.hold.reason is Reason.BACKOFF
    w(Passed(), after=10)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED, Topic.RECOVERED]


@pytest.mark.parametrize("remind_every_s", [0, 4 * 3600])
def test_an_outage_inside_an_old_incident_is_told_when_a_restart_does_not_help(
    watch: Watcher, remind_every_s: float
) -> None:
    """Who was called for a long queue days ago does not know that mail is down since."""
    w = watch(remind_every_s=remind_every_s)
    w.fail(Fault.QUEUE)
    for _ in range(2):
        w.fail(Fault.QUEUE, Fault.SILENT, after=600)
    w.go_through_restart()
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.verify_for_s)
    assert w.topics == [Topic.ESCALATED, Topic.REMINDER]
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.backoff_s)
    w.go_through_restart()
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.verify_for_s)
    assert w.topics == [Topic.ESCALATED, Topic.REMINDER]


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


# --- started anew -------------------------------------------------------------------------


def test_a_restart_that_was_interrupted_but_took_place_is_not_repeated(watch: Watcher) -> None:
    """The engine's StartedAt is the witness."""
    w = watch()
    w.fail()
    w(Restored(TargetState(Condition.RUNNING, started_at=w.now.wall + 10)), after=20)
    assert w.is_in(Stage.SETTLING)
    assert len(w.restarts) == 1


def test_a_restart_that_the_engine_is_still_at_is_waited_for(watch: Watcher) -> None:
    """Killed in the ten seconds of grace that a container gets to stop: no second restart."""
    w = watch()
    w.fail()
    w(Restored(RUNNING), after=3)
    w.fail(after=20)
    assert w.fail(started_at=w.now.wall, after=10) == ()
    assert w.is_in(Stage.SETTLING)
    assert len(w.restarts) == 1


def test_an_operator_who_is_quicker_than_the_restart_is_left_to_it(watch: Watcher) -> None:
    """Who stops it as mailwatch is about to restart it is told once, and calls nobody."""
    w = watch()
    w.fail()
    assert w(RestartEnded("It was left alone.", intervened=True), after=3) == ()
    assert w.is_in(Stage.DOWN)
    assert w.incident.attempts[0].outcome is Outcome.FAILED
    w.fail(condition=Condition.STOPPED, after=1)
    w.fail(condition=Condition.STOPPED, after=600)
    assert w.topics == [Topic.OPENED, Topic.HELD]
    w(Passed(), after=60)
    assert w.topics == [Topic.OPENED, Topic.HELD, Topic.RECOVERED]
    assert len(w.restarts) == 1


def test_a_restart_that_never_took_place_is_given_up_after_its_limit(watch: Watcher) -> None:
    """Then the next attempt is made, as a new one with its own number."""
    w = watch(restart_limit_s=90)
    w.fail()
    w(Restored(RUNNING), after=3)
    w.fail(after=86)
    assert len(w.restarts) == 1
    assert w.fail(after=1) == (Restart(w.incident.id, 2, RUNNING),)
    assert w.incident.attempts[0].outcome is Outcome.INTERRUPTED


def test_a_restart_is_not_repeated_because_docker_could_not_be_asked(watch: Watcher) -> None:
    """Whether it took place stays open, and a person is called, until the engine can say."""
    w = watch(restart_limit_s=90)
    w.fail()
    w(Restored(TargetState(Condition.UNREACHABLE)), after=3)
    w.fail(condition=Condition.UNREACHABLE, after=90)
    w.fail(condition=Condition.UNREACHABLE, after=500)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    w.fail(started_at=WALL + 2, after=500)
    assert w.is_in(Stage.SETTLING)
    assert len(w.restarts) == 1


def test_a_restart_cut_short_that_left_the_target_stopped_is_done_again(watch: Watcher) -> None:
    """A container that our own restart stopped was not stopped by an operator."""
    w = watch(restart_limit_s=90)
    w.fail()
    w(Restored(RUNNING), after=3)
    stopped_at = WALL + 8
    w.fail(condition=Condition.STOPPED, finished_at=stopped_at, after=40)
    w.fail(condition=Condition.STOPPED, finished_at=stopped_at, after=50)
    assert len(w.restarts) == 2
    assert w.topics == [Topic.OPENED]


def test_what_a_cut_restart_left_stopped_stays_ours_while_the_next_one_waits(
    watch: Watcher,
) -> None:
    """Backoff delays the next attempt; meanwhile nobody is said to have stopped the target."""
    w = watch(restart_limit_s=90)
    w.escalate()
    w.fail(after=300)
    stopped_at = w.now.wall + 5
    w(Restored(RUNNING), after=6)
    for _ in range(5):
        w.fail(condition=Condition.STOPPED, finished_at=stopped_at, after=100)
    assert Topic.HELD not in w.topics
    assert len(w.restarts) == 3


def test_what_the_first_of_two_cut_restarts_left_stopped_is_ours_too(watch: Watcher) -> None:
    """The second was cut short before it changed anything; still nobody has stopped the target."""
    w = watch(restart_limit_s=90, backoff_s=0)
    w.fail()
    w(Restored(RUNNING), after=3)
    stopped_at = WALL + 8
    w.fail(condition=Condition.STOPPED, finished_at=stopped_at, after=100)
    assert len(w.restarts) == 2
    w(Restored(TargetState(Condition.STOPPED)), after=3)
    w.fail(condition=Condition.STOPPED, finished_at=stopped_at, after=100)
    assert Topic.HELD not in w.topics
    assert len(w.restarts) == 3


def test_a_refused_restart_that_left_the_target_stopped_is_ours_too(watch: Watcher) -> None:
    """Some engines stop a container and then fail to start it."""
    w = watch(backoff_s=100)
    w.fail()
    w(RestartEnded("Docker did not answer in time."), after=60)
    w.fail(condition=Condition.STOPPED, finished_at=WALL + 30, after=10)
    w.fail(condition=Condition.STOPPED, finished_at=WALL + 30, after=90)
    assert len(w.restarts) == 2
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_services_that_recover_after_a_cut_restart_are_told_without_a_claim(
    watch: Watcher,
) -> None:
    """Nobody knows whether the restart took place, so it is not said that it helped."""
    w = watch()
    w.fail()
    w(Restored(RUNNING), after=3)
    w(Passed(), after=10)
    attempt = w.told[-1].incident.attempts[0]
    assert (attempt.outcome, attempt.detail) == (
        Outcome.INTERRUPTED,
        "It was cut short by the end of mailwatch itself.",
    )


def test_a_target_that_somebody_stopped_long_after_a_cut_restart_is_left_alone(
    watch: Watcher,
) -> None:
    """Only an end within the restart's own time is taken for ours."""
    w = watch(restart_limit_s=90)
    w.fail()
    w(Restored(RUNNING), after=200)
    w.fail(condition=Condition.STOPPED, finished_at=WALL + 150)
    assert len(w.restarts) == 1
    assert w.topics == [Topic.OPENED, Topic.HELD]


def test_after_a_reboot_an_open_incident_settles(watch: Watcher) -> None:
    """A target that comes up with its host is not judged by the window of before the reboot."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w.fail(after=5)
    rebooted_at = w.now.wall + 600
    w(Restored(TargetState(Condition.RUNNING, started_at=rebooted_at)), after=605)
    assert w.is_in(Stage.SETTLING)
    w(TimePassed(), after=15)
    w.fail(started_at=rebooted_at)
    w(Passed(), after=5)
    assert w.topics == [Topic.OPENED, Topic.RECOVERED]
    assert len(w.restarts) == 1


def test_a_final_window_that_ran_out_while_mailwatch_was_down_is_over(watch: Watcher) -> None:
    """A target that ran all the while had its time; no death of ours prolongs it for ever."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w(Restored(RUNNING), after=3600)
    w.fail(after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_a_slow_start_after_a_reboot_has_its_own_grace(watch: Watcher) -> None:
    """What began to come up before the reboot is another start."""
    w = watch()
    w.fail(condition=Condition.UNREACHABLE)
    w.fail(condition=Condition.STARTING, after=5)
    w(Restored(TargetState(Condition.STARTING)), after=1000)
    w.fail(condition=Condition.STARTING, after=1)
    assert w.restarts == []


@pytest.mark.parametrize("reboot", [False, True])
def test_a_container_removed_after_the_start_was_removed_on_purpose(
    watch: Watcher, reboot: bool
) -> None:
    """What was found when mailwatch started is no misspelt name when it is gone later."""
    w = watch()
    if reboot:
        w(Restored(RUNNING))
    w.fail(condition=Condition.MISSING, after=60)
    assert w.topics == [Topic.HELD if reboot else Topic.ESCALATED]


def test_a_called_person_stays_called_across_an_interrupted_restart(watch: Watcher) -> None:
    """ESCALATED does not fall back to DOWN, nor is it told again."""
    w = watch()
    w.escalate()
    w.fail(after=300)
    assert w.is_in(Stage.RESTARTING)
    w(Restored(RUNNING), after=1)
    assert w.is_in(Stage.ESCALATED)
    w.fail(after=90)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
