"""The engine, with real threads for its recovery and delivery, and rounds that the test decides."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.facts import fact, words
from mailwatch.core.investigation import LOOK_GRACE_S, Step
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Condition, Now, Target, TargetState
from mailwatch.core.outbox import FIRST_RETRY_S
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.state import Stage, State
from mailwatch.evidence.subject import Subject
from mailwatch.host.job import Job
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.service.delivery import SEND_LIMIT_S, SLACK_S
from mailwatch.service.monitor import ROUND_SLACK_S, Monitor
from mailwatch.service.queue_events import AttemptDone, RoundDone
from mailwatch.store.base import Commit
from tests.house import PATIENCE_S, RUNNING, House, ScriptedContainer, bad, blind, good, is_idle


def fail_until_restarted(house: House) -> None:
    """Fail the first round, and go on until the restart is done."""
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)


def test_the_first_check_is_at_once_and_the_next_after_the_interval(house: House) -> None:
    """The first round begins at start, the second one interval later and not sooner."""
    house.start()
    house.end_round(good())
    house.pass_time(119)
    assert len(house.prober.begun) == 1
    house.pass_time(1)
    assert len(house.prober.begun) == 2


def test_an_outage_is_told_restarted_and_told_again_when_it_is_over(house: House) -> None:
    """One message opens the incident, one restart follows, one message closes it."""
    fail_until_restarted(house)
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    assert house.container.restarts == 1
    house.pass_time(15)
    assert house.prober.begun[-1][1] == house.policy.verifying
    house.end_round(good())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.RECOVERED])
    house.drain_until(lambda: house.store.entries() == ())
    assert house.monitor.state.stage is Stage.HEALTHY


def test_nothing_from_before_a_restart_stands_for_the_server_after_it(house: House) -> None:
    """What a check remembers, such as a refused login, is forgotten between the two."""
    fail_until_restarted(house)
    assert house.prober.forgot_after == [len(house.prober.begun)]
    house.pass_time(15)
    house.end_round(good())
    assert len(house.prober.forgot_after) == 1


def test_an_outage_began_when_its_first_attempt_failed(house: House) -> None:
    """The retries that make sure of an outage are part of it, in its message and its length."""
    house.start()
    began = house.now
    house.take(AttemptDone(1, "SMTP:25", 1, bad()))
    house.seconds += 20
    house.take(RoundDone(1, (bad(),)))
    house.drain_until(lambda: house.monitor.state.incident is not None)
    assert house.monitor.state.incident is not None
    assert house.monitor.state.incident.since == began
    assert house.monitor.state.incident.opened == house.now


def test_the_watchdog_is_asked_for_time_before_a_restart(house: House) -> None:
    """systemd hears how long the restart may take before it begins."""
    fail_until_restarted(house)
    assert house.extended == [house.policy.restart_limit_s]


def test_a_hung_engine_delays_the_message_by_its_grace_only(house: House) -> None:
    """The outage is told although Docker does not answer; nothing is restarted blindly."""
    house.container.hangs = True
    house.start()
    house.end_round(bad())
    house.pass_time(LOOK_GRACE_S + 0.001)
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    assert "the engine has not answered" in house.phone.messages[0].body
    assert house.container.restarts == 0


def test_an_engine_that_comes_back_gets_the_restart_it_was_owed(house: House) -> None:
    """Once Docker answers again, the next failed round restarts, with no second message."""
    house.container.hangs = True
    house.start()
    house.end_round(bad())
    house.pass_time(LOOK_GRACE_S + 0.001)
    house.container.hangs = False
    house.container.let_go.set()
    house.drain_until(lambda: not house.recovery.busy and not house.events.qsize())
    house.pass_time(house.policy.verify_every_s)
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    assert house.container.restarts == 1
    house.drain_until(lambda: house.store.entries() == ())
    assert house.topics() == [Topic.OPENED]


def test_a_restart_that_is_refused_calls_a_person_with_the_reason(house: House) -> None:
    """The engine's refusal reaches the phone at the highest priority."""
    house.container.error = "The disk is full: make room."
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.ESCALATED])
    assert house.phone.messages[-1].severity is Severity.CRITICAL
    assert "The disk is full: make room." in house.phone.messages[-1].body


def test_a_container_that_somebody_took_hold_of_is_told_as_theirs(house: House) -> None:
    """The restarter is told what was seen, finds it stopped since, and nobody is called."""
    house.container.error, house.container.intervened = "It was left alone.", True
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.DOWN)
    assert house.container.seen == [RUNNING]
    house.container.state = TargetState(Condition.STOPPED, words("Somebody stopped it."))
    house.pass_time(house.policy.verify_every_s)
    house.end_round(bad())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.HELD])
    assert house.container.restarts == 1


def test_a_restart_call_that_never_returns_is_given_up(house: House) -> None:
    """A thread stuck in the SDK is left behind after the limit, and a person is called."""
    stuck = threading.Event()

    def hang(deadline: Deadline, seen: TargetState) -> None:
        stuck.wait(PATIENCE_S)

    house.container.restart = hang  # type: ignore[method-assign]
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.RESTARTING)
    house.pass_time(house.policy.restart_limit_s + 6)
    assert house.monitor.state.stage is Stage.ESCALATED
    stuck.set()


def test_a_notifier_that_is_away_keeps_nothing_from_happening(house: House) -> None:
    """The outage is restarted and recovered while messages wait; they leave merged, in order."""
    house.phone.error = DeliveryError(words("Gotify refused the connection."))
    fail_until_restarted(house)
    house.drain_until(lambda: any(entry.tries for entry in house.store.entries()))
    house.pass_time(15)
    house.end_round(good())
    assert house.monitor.state.stage is Stage.HEALTHY
    house.drain_until(lambda: not house.events.qsize() and is_idle(house.delivery))
    house.phone.error = None
    house.pass_time(600)
    house.drain_until(lambda: house.store.entries() == ())
    assert house.topics() == [Topic.RECOVERED]
    assert "Mail is down on mx1" in house.phone.messages[0].body


def test_a_delivery_that_was_given_up_does_not_answer_for_the_next_try(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the resolver hangs for longer than a delivery may, two tries overlap in time."""
    gates = [threading.Event(), threading.Event()]
    hangs = iter(gates)
    begun = threading.Semaphore(0)

    def send(message: Message, deadline: Deadline) -> None:
        gate = next(hangs, None)
        begun.release()
        if gate is None:
            house.phone.messages.append(message)
        else:
            gate.wait(PATIENCE_S)
            raise DeliveryError(words("the name was not resolved."))

    monkeypatch.setattr(house.phone, "send", send)
    fail_until_restarted(house)
    assert begun.acquire(timeout=PATIENCE_S)
    house.pass_time(SEND_LIMIT_S + SLACK_S)
    house.pass_time(FIRST_RETRY_S)
    assert begun.acquire(timeout=PATIENCE_S)
    gates[0].set()
    event = house.events.get(timeout=PATIENCE_S)
    while not (isinstance(event, Job) and isinstance(event.answer, DeliveryError)):
        event = house.events.get(timeout=PATIENCE_S)
    house.take(event)
    assert [entry.tries for entry in house.store.entries()] == [1]
    gates[1].set()
    event = house.events.get(timeout=PATIENCE_S)
    assert isinstance(event, Job)
    house.take(event)
    house.pass_time(2 * FIRST_RETRY_S)
    house.drain_until(lambda: not house.store.entries())
    assert house.topics() == [Topic.OPENED]


def test_a_service_that_was_lost_from_sight_keeps_the_incident_open(house: House) -> None:
    """It failed, then could not be measured while another one failed: only its pass is its end."""
    house.container.state = TargetState(Condition.STOPPED, words("somebody stopped it"))
    house.start()
    for readings in (
        (bad("SMTP:25"), good("IMAP:143")),
        (blind("SMTP:25"), bad("IMAP:143")),
        (blind("SMTP:25"), good("IMAP:143")),
    ):
        house.end_round(*readings)
        house.drain_until(
            lambda: not house.recovery.busy and house.monitor.investigation.step is not Step.ENDED
        )
        house.pass_time(house.policy.verify_every_s)
    assert house.monitor.state.incident is not None
    house.end_round(good("SMTP:25"), good("IMAP:143"))
    assert house.monitor.state.incident is None


def test_a_round_counts_as_lost_only_after_its_longest() -> None:
    """However patiently the admin has it ask, a round under way is no hang; a lost one is."""
    house = House(Policy(attempts=Attempts(retries=100, timeout_s=1, delay_s=600)))
    house.start()
    house.pass_time(100 * 1 + 99 * 600 + 2 * 1 + ROUND_SLACK_S)
    assert not house.monitor.stalled(house.now)
    house.pass_time(1)
    assert house.monitor.stalled(house.now)
    house.end_round(good())
    assert not house.monitor.stalled(house.now)


def test_late_answers_of_a_dropped_round_are_ignored(house: House) -> None:
    """After a reload the old round's readings, of services no longer watched, change nothing."""
    house.start()
    old = house.prober.begun[-1][0]
    house.monitor.reconfigure(house.parts)
    house.monitor.advance(house.now)
    house.take(RoundDone(old, (bad(),)))
    assert house.monitor.state.stage is Stage.HEALTHY
    assert house.recovery.busy is False


def test_a_failing_service_that_a_reload_takes_away_is_not_said_to_answer(house: House) -> None:
    """Nobody has seen it answer: it is no longer watched, and that is what is told."""
    fail_until_restarted(house)
    house.pass_time(15)
    house.end_round(bad())
    house.drain_until(lambda: not house.recovery.busy and not house.events.qsize())
    house.monitor.reconfigure(house.parts)
    house.monitor.advance(house.now)
    house.end_round(replace(good(), service="IMAPS:993"))
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.RECOVERED])
    assert "answers again" not in house.phone.messages[-1].body
    assert "no longer watched" in house.phone.messages[-1].body


def test_nothing_is_gathered_during_a_pause(house: House, tmp_path: Path) -> None:
    """A service may fail for days while the admin works on it: no incident opens that needs it."""

    def looks() -> bool:
        return house.monitor.investigation.evidence_until is not None

    house.look_around(tmp_path, {})
    house.monitor.pause(Now(house.seconds + 3600, house.now.wall + 3600), house.now)
    house.start()
    house.end_round(bad())
    assert not looks()
    house.drain_until(lambda: house.monitor.state.stage is Stage.CONFIRMING)
    house.monitor.pause(None, house.now)
    house.pass_time(house.policy.interval_s)
    house.end_round(bad())
    assert looks()
    house.drain_until(lambda: house.monitor.state.incident is not None)


def test_the_cause_of_a_call_is_what_was_seen_after_the_restart(
    house: House, tmp_path: Path
) -> None:
    """One look leads to the restart, one more to the call, and none to the rounds between."""
    after: dict[str, str | int] = {"status": "exited", "exit_code": 1}
    seen: list[Mapping[str, bool | str | int]] = [{"paused": True}, after]
    since: list[float] = []

    def find(subject: Subject, _deadline: Deadline) -> Finding:
        since.append(subject.since)
        return Finding(seen.pop(0))

    house.look_around(tmp_path, {"container": find})
    fail_until_restarted(house)
    assert house.monitor.state.incident is not None
    assert house.monitor.state.incident.cause == fact("paused")
    ordered = house.monitor.state.incident.attempts[0].begun.wall
    house.pass_time(15)
    for passed in (20, 60):
        house.end_round(bad())
        house.drain_until(lambda: house.monitor.investigation.step is Step.OVER)
        house.pass_time(passed)
    assert len(since) == 1
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.ESCALATED)
    incident = house.monitor.state.incident
    assert incident is not None
    assert incident.cause.code == "not-running"
    assert incident.cause.get("exit_code") == 1
    assert since[1] == ordered > since[0]
    assert not seen


@pytest.mark.parametrize("stage", [Stage.RESTARTING, Stage.VERIFYING, Stage.ESCALATED])
def test_a_new_process_looks_at_the_container_before_it_goes_on(stage: Stage) -> None:
    """With an open incident in the store, the engine first learns what the container did."""
    first = House(Policy())
    fail_until_restarted(first)
    first.drain_until(lambda: first.topics() == [Topic.OPENED])
    state = replace(first.monitor.state, stage=stage)
    second = House(Policy())
    second.store.commit(Commit(state, second.now))
    second.start()
    assert second.prober.begun == []
    second.drain_until(lambda: second.container.looks == 1 and not second.recovery.busy)
    assert second.container.restarts == 0
    assert second.topics() == []


def test_a_name_that_is_misspelt_in_a_reload_is_told(house: House) -> None:
    """That the container of before was there says nothing about one of another name."""
    house.container.state = replace(RUNNING, started_at=house.now.wall - 1)
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.CONFIRMING)
    house.container.state = TargetState(Condition.MISSING, words("There is no container stalwrt."))
    installation = replace(house.parts.installation, target=Target("docker", "stalwrt"))
    house.parts = replace(house.parts, installation=installation)
    house.monitor.reconfigure(house.parts)
    house.monitor.advance(house.now)
    house.end_round(bad())
    house.drain_until(lambda: house.topics() == [Topic.HELD])
    assert house.phone.messages[-1].severity is Severity.WARNING


@pytest.mark.parametrize("noted", ["docker:stalwart", ""])
def test_a_name_that_is_misspelt_at_a_restart_is_told(house: House, noted: str) -> None:
    """Also where the file is of a version that noted none, if one start since had the right one."""
    house.store.commit(Commit(State().with_target(seen=True, key=noted), house.now))
    house.monitor.begin(house.now)
    installation = replace(house.parts.installation, target=Target("docker", "stalwrt"))
    house.monitor = Monitor(replace(house.parts, installation=installation))
    house.container.state = TargetState(Condition.MISSING, words("There is no container stalwrt."))
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.topics() == [Topic.HELD])
    assert "There is no container stalwrt." in house.phone.messages[-1].body


def test_a_reload_looks_at_the_container_that_it_names(house: House) -> None:
    """A new process waits for the engine when another container is configured: that one counts."""
    first = House(Policy())
    fail_until_restarted(first)
    first.drain_until(lambda: first.monitor.state.stage is Stage.SETTLING)
    house.store = first.store
    house.parts = replace(house.parts, store=first.store)
    house.monitor = Monitor(house.parts)
    house.container.hangs = True
    house.monitor.begin(house.now)
    other = ScriptedContainer()
    house.recovery.replace(lambda: other)
    house.monitor.reconfigure(house.parts)
    house.drain_until(lambda: other.looks == 1 and not house.recovery.busy)
    house.monitor.advance(house.now)
    assert len(house.prober.begun) == 0
    house.pass_time(house.policy.settle_s)
    assert len(house.prober.begun) == 1
