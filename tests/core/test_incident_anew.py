"""An incident in the hands of the next process, after a crash, a restart or a reboot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.events import Failed, Passed, Restart, RestartEnded, Restored, TimePassed
from mailwatch.core.facts import fact, words
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.say import say
from mailwatch.core.state import Left, Outcome, Reason, Stage
from mailwatch.core.transitions import CUT_SHORT, after_boot, aim
from mailwatch.core.wording import Installation, compose

pytestmark = pytest.mark.usefixtures("said_both_ways")

if TYPE_CHECKING:
    from tests.core.conftest import SituationMaker, Watcher

WALL = 1_700_000_000.0
RUNNING = TargetState(Condition.RUNNING, started_at=WALL - 86_400)


def test_a_restart_that_was_interrupted_but_took_place_is_not_repeated(watch: Watcher) -> None:
    """The engine's StartedAt is the forensics."""
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
    assert w(RestartEnded(words("It was left alone."), intervened=True), after=3) == ()
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
    w(RestartEnded(words("Docker did not answer in time.")), after=60)
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
    assert (attempt.outcome, attempt.detail) == (Outcome.INTERRUPTED, CUT_SHORT)


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
def test_a_container_that_was_seen_and_is_gone_without_an_order_calls_a_person(
    watch: Watcher, reboot: bool
) -> None:
    """One that nobody has seen may be misspelt, which is asked about and reminded of."""
    w = watch()
    if reboot:
        w(Restored(RUNNING))
    w.fail(condition=Condition.MISSING, after=60)
    assert w.topics == [Topic.ESCALATED if reboot else Topic.HELD]


@pytest.mark.parametrize(
    ("noted", "named", "is_missed"),
    [
        ("docker:mail", "docker:mail", True),
        ("docker:mail", "docker:mial", False),
        ("", "docker:mail", True),
    ],
    ids=["the same", "another", "of a version that noted no name"],
)
def test_who_is_missing_is_missed_only_if_seen_under_its_name(
    watch: Watcher, noted: str, named: str, is_missed: bool
) -> None:
    """A name that nobody has seen may be misspelt, whatever the one before was."""
    w = watch()
    w.state = aim(w.state.with_target(seen=True, key=noted), named)
    assert w.state.target.key == named
    w.fail(condition=Condition.MISSING)
    assert w.topics == [Topic.ESCALATED if is_missed else Topic.HELD]


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


@pytest.mark.parametrize("outcome", [Outcome.PENDING, Outcome.RESTARTED])
def test_a_boot_of_the_host_cuts_a_restart_short(watch: Watcher, outcome: Outcome) -> None:
    """What does not run yet has the grace of the boot, and no restart of before has helped."""
    w = watch(boot_grace_s=120)
    w.fail(after=500)
    if outcome is Outcome.RESTARTED:
        w.go_through_restart()
    w.now = Now(w.now.steady + 100, w.now.wall + 100)
    w.state = after_boot(replace(w.state, booted=w.now), w.now)
    assert w.incident.attempts[-1].outcome is Outcome.INTERRUPTED
    gone = TargetState(Condition.UNREACHABLE)
    w(Restored(gone))
    for after in (5, 60, 50):
        w.fail(condition=Condition.CRASHED, after=after)
    assert (w.topics, len(w.restarts)) == ([Topic.OPENED], 1)
    recovered = watch()
    recovered.state, recovered.now = w.state, w.now
    recovered(Passed(), after=1)
    (told,) = recovered.told
    assert told.incident.attempts[-1].outcome is Outcome.INTERRUPTED
    w.fail(condition=Condition.CRASHED, after=6)
    assert len(w.restarts) == 2, "at once when the grace is over"


def test_a_start_of_mailwatch_alone_cuts_nothing_short(watch: Watcher) -> None:
    """What is under way was begun after the boot that is remembered."""
    w = watch()
    w.state = replace(w.state, booted=w.now)
    w.fail(after=500)
    w.go_through_restart()
    assert after_boot(w.state, Now(w.now.steady + 5, w.now.wall + 5)) is w.state


def test_a_target_that_may_end_slowly_keeps_its_restart_for_longer(
    watch: Watcher, situation: SituationMaker
) -> None:
    """Killed in the middle of a stop of ten minutes: it is waited for, and known as our own."""
    w = watch(restart_limit_s=90)
    failed = situation()
    slow = replace(failed, target=replace(failed.target, stops_later_s=600.0))
    w(Failed(slow))
    w(Restored(RUNNING), after=3)
    w(Failed(situation()), after=680)
    assert w.incident.attempts[0].outcome is Outcome.PENDING
    w.fail(condition=Condition.STOPPED, finished_at=w.now.wall, after=8)
    assert w.incident.hold is None or w.incident.hold.reason is Reason.BACKOFF


def test_who_shared_the_network_is_told_until_it_is_known_that_nothing_ended(
    watch: Watcher, situation: SituationMaker, installation: Installation
) -> None:
    """As the restart is ordered, and when it has helped; not where the target was left alone."""
    failed = situation()
    shared = replace(failed, target=replace(failed.target, sharers=("web",)))
    for ended, cut_off in (
        (RestartEnded(), True),
        (RestartEnded(words("no"), True, Left()), False),
    ):
        w = watch()
        w(Failed(shared))
        assert _said("sharers-to-restart") in compose(w.told[0], installation).body
        w(ended, after=5)
        w(TimePassed(), after=w.policy.settle_s)
        w(Passed(), after=5)
        assert (_said("sharers-cut-off") in compose(w.told[-1], installation).body) is cut_off


def _said(code: str) -> str:
    return say(fact(code, sharers=("web",)))
