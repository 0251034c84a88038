"""The engine, with real threads for its target and courier, and rounds that the test decides."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.model import (
    Condition,
    Fault,
    Message,
    Now,
    Reading,
    TargetState,
    Topic,
    Verdict,
)
from mailwatch.core.outbox import FIRST_RETRY_S
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.proven import Proven
from mailwatch.core.state import Stage
from mailwatch.core.wording import Voice
from mailwatch.courier import SEND_LIMIT_S, SLACK_S, Courier
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Examiner, Subject
from mailwatch.journal import Journal
from mailwatch.narrator import Narrator
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.parts import Parts
from mailwatch.reports import AttemptDone, Mailbox, Posted, Report, RoundDone
from mailwatch.restarters.errors import RestartError
from mailwatch.store.memory import MemoryStore
from mailwatch.target import Target
from mailwatch.tick import LOOK_GRACE_S, ROUND_SLACK_S, Engine
from mailwatch.witness import Scene, Witness

RUNNING = TargetState(Condition.RUNNING, started_at=1000.0)
PATIENCE_S = 120.0


@dataclass
class ScriptedAsker:
    """Remembers which rounds were begun; the test reports their outcome."""

    begun: list[tuple[int, Attempts]] = field(default_factory=list)
    forgot_after: list[int] = field(default_factory=list)

    def begin(self, number: int, attempts: Attempts) -> None:
        self.begun.append((number, attempts))

    def forget(self) -> None:
        self.forgot_after.append(len(self.begun))

    def cancel(self) -> None:
        pass


@dataclass
class ScriptedContainer:
    """A restarter whose engine answers at once, refuses, or hangs until `let_go` is set."""

    state: TargetState = RUNNING
    error: str = ""
    intervened: bool = False
    hangs: bool = False
    restarts: int = 0
    looks: int = 0
    seen: list[TargetState] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def inspect(self, deadline: Deadline) -> TargetState:
        self.looks += 1
        if self.hangs:
            self.let_go.wait(PATIENCE_S)
        return self.state

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        self.restarts += 1
        self.seen.append(seen)
        if self.error:
            raise RestartError(self.error, intervened=self.intervened)


@dataclass
class ScriptedPhone:
    """A notifier that takes every message, or fails as it is told."""

    messages: list[Message] = field(default_factory=list)
    error: DeliveryError | None = None

    def send(self, message: Message, deadline: Deadline) -> None:
        if self.error is not None:
            raise self.error
        self.messages.append(message)


class House:
    """The engine and all that it works with, on a clock that the test moves."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.seconds = 5000.0
        self.wall_offset = 1_700_000_000.0
        self.mailbox = Mailbox()
        self.asker = ScriptedAsker()
        self.container = ScriptedContainer()
        self.phone = ScriptedPhone()
        self.store = MemoryStore()
        self.log = io.StringIO()
        self.extended: list[float] = []
        journal = Journal(self.log, journald=False)
        voice = Voice("mx1", "container stalwart", "docker logs stalwart", lambda wall: "03:14:02")
        self.target = Target(lambda: self.container, self.mailbox, lambda: self.seconds)
        self.courier = Courier(
            self.phone,
            self.store,
            self.mailbox,
            journal,
            lambda: self.seconds,
            voice.clock_text,
            lambda: 0.0,
        )
        self.parts = Parts(
            policy,
            voice,
            self.asker,
            self.target,
            self.courier,
            Narrator(journal, voice),
            self.store,
            self.extended.append,
        )
        self.engine = Engine(self.parts)

    @property
    def now(self) -> Now:
        return Now(self.seconds, self.seconds + self.wall_offset)

    def start(self) -> None:
        self.engine.begin(self.now)
        self.engine.advance(self.now)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.engine.advance(self.now)

    def take(self, report: Report) -> None:
        self.engine.handle(report, self.now)
        self.engine.advance(self.now)

    def drain_until(self, condition: Callable[[], bool]) -> None:
        """Take what the threads report until `condition` holds."""
        patience = time.monotonic() + PATIENCE_S
        while not condition():
            self.take(self.mailbox.get(timeout=max(0.01, patience - time.monotonic())))

    def end_round(self, *readings: Reading) -> None:
        """Report the outcome of the round under way."""
        number = self.asker.begun[-1][0]
        for reading in readings:
            self.take(AttemptDone(number, reading.service, 1, reading))
        self.take(RoundDone(number, readings))

    def topics(self) -> list[Topic]:
        return [message.topic for message in self.phone.messages]


def good(service: str = "SMTP:25") -> Reading:
    """Return a reading that passed."""
    return Reading(service, Verdict.PASS)


def bad(service: str = "SMTP:25", fault: Fault = Fault.SILENT) -> Reading:
    """Return a reading that failed."""
    return Reading(service, Verdict.FAIL, fault, "no greeting came within 5 s")


def blind(service: str = "SMTP:25") -> Reading:
    """Return a reading that says nothing."""
    return Reading(service, Verdict.UNMEASURED, detail="this host is out of memory")


@pytest.fixture
def house() -> Iterator[House]:
    """Give a house with the default policy, and let a hung container go at the end."""
    built = House(Policy())
    yield built
    built.container.let_go.set()


def fail_until_restarted(house: House) -> None:
    """Fail the first round, and go on until the restart is done."""
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)


def test_the_first_check_is_at_once_and_the_next_after_the_interval(house: House) -> None:
    """The first round begins at start, the second one interval later and not sooner."""
    house.start()
    house.end_round(good())
    house.pass_time(119)
    assert len(house.asker.begun) == 1
    house.pass_time(1)
    assert len(house.asker.begun) == 2


def test_an_outage_is_told_restarted_and_told_again_when_it_is_over(house: House) -> None:
    """One message opens the incident, one restart follows, one message closes it."""
    fail_until_restarted(house)
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    assert house.container.restarts == 1
    house.pass_time(15)
    assert house.asker.begun[-1][1] == house.policy.verifying
    house.end_round(good())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.RECOVERED])
    house.drain_until(lambda: house.store.letters() == ())
    assert house.engine.state.stage is Stage.HEALTHY


def test_nothing_from_before_a_restart_stands_for_the_server_after_it(house: House) -> None:
    """What a check remembers, such as a refused login, is forgotten between the two."""
    fail_until_restarted(house)
    assert house.asker.forgot_after == [len(house.asker.begun)]
    house.pass_time(15)
    house.end_round(good())
    assert len(house.asker.forgot_after) == 1


def test_an_outage_began_when_its_first_attempt_failed(house: House) -> None:
    """The retries that make sure of an outage are part of it, in its message and its length."""
    house.start()
    began = house.now
    house.take(AttemptDone(1, "SMTP:25", 1, bad()))
    house.seconds += 20
    house.take(RoundDone(1, (bad(),)))
    house.drain_until(lambda: house.engine.state.incident is not None)
    assert house.engine.state.incident is not None
    assert house.engine.state.incident.since == began
    assert house.engine.state.incident.opened == house.now


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
    house.drain_until(lambda: not house.target.busy and not house.mailbox.qsize())
    house.pass_time(house.policy.verify_every_s)
    house.end_round(bad())
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    assert house.container.restarts == 1
    assert house.topics() == [Topic.OPENED]


def test_a_restart_that_is_refused_calls_a_person_with_the_reason(house: House) -> None:
    """The engine's refusal reaches the phone at the highest priority."""
    house.container.error = "The disk is full: make room."
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.ESCALATED])
    assert house.phone.messages[-1].priority == 10
    assert "The disk is full: make room." in house.phone.messages[-1].body


def test_a_container_that_somebody_took_hold_of_is_told_as_theirs(house: House) -> None:
    """The restarter is told what was seen, finds it stopped since, and nobody is called."""
    house.container.error, house.container.intervened = "It was left alone.", True
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.engine.state.stage is Stage.DOWN)
    assert house.container.seen == [RUNNING]
    house.container.state = TargetState(Condition.STOPPED, "Somebody stopped it.")
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
    house.drain_until(lambda: house.engine.state.stage is Stage.RESTARTING)
    house.pass_time(house.policy.restart_limit_s + 6)
    assert house.engine.state.stage is Stage.ESCALATED
    stuck.set()


def test_a_notifier_that_is_away_keeps_nothing_from_happening(house: House) -> None:
    """The outage is restarted and recovered while messages wait; they leave merged, in order."""
    house.phone.error = DeliveryError("Gotify refused the connection.")
    fail_until_restarted(house)
    house.drain_until(lambda: any(letter.tries for letter in house.store.letters()))
    house.pass_time(15)
    house.end_round(good())
    assert house.engine.state.stage is Stage.HEALTHY
    house.phone.error = None
    house.drain_until(lambda: not house.mailbox.qsize() and not house.courier._carried)
    house.pass_time(600)
    house.drain_until(lambda: house.store.letters() == ())
    assert house.topics() == [Topic.RECOVERED]
    assert "Mail is down on mx1" in house.phone.messages[0].body


def test_a_delivery_that_was_given_up_does_not_answer_for_the_next_try(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the resolver hangs for longer than a delivery may, two tries overlap in time."""
    gates = [threading.Event(), threading.Event()]
    hangs = iter(gates)

    def send(message: Message, deadline: Deadline) -> None:
        gate = next(hangs, None)
        if gate is None:
            house.phone.messages.append(message)
        else:
            gate.wait(PATIENCE_S)
            raise DeliveryError("the name was not resolved.")

    monkeypatch.setattr(house.phone, "send", send)
    fail_until_restarted(house)
    house.pass_time(SEND_LIMIT_S + SLACK_S)
    house.pass_time(FIRST_RETRY_S)
    gates[0].set()
    report = house.mailbox.get(timeout=PATIENCE_S)
    while not isinstance(report, Posted):
        report = house.mailbox.get(timeout=PATIENCE_S)
    house.take(report)
    assert [letter.tries for letter in house.store.letters()] == [1]
    gates[1].set()
    report = house.mailbox.get(timeout=PATIENCE_S)
    assert isinstance(report, Posted)
    house.take(report)
    house.pass_time(2 * FIRST_RETRY_S)
    house.drain_until(lambda: not house.store.letters())
    assert house.topics() == [Topic.OPENED]


def test_what_could_not_be_measured_is_told_once_and_restarts_nothing(house: House) -> None:
    """Being blind for 15 minutes is told once; the container is not even looked at."""
    house.start()
    for _ in range(20):
        house.end_round(blind())
        house.drain_until(lambda: house.store.letters() == ())
        house.pass_time(house.policy.interval_s)
    assert house.topics() == [Topic.NOTICE]
    assert house.container.looks == 0
    house.end_round(good())
    house.drain_until(lambda: house.topics() == [Topic.NOTICE, Topic.NOTICE])
    assert "can look again" in house.phone.messages[-1].title


def test_a_service_that_was_lost_from_sight_keeps_the_incident_open(house: House) -> None:
    """It failed, then could not be measured while another one failed: only its pass is its end."""
    house.container.state = TargetState(Condition.STOPPED, "somebody stopped it")
    house.start()
    for readings in (
        (bad("SMTP:25"), good("IMAP:143")),
        (blind("SMTP:25"), bad("IMAP:143")),
        (blind("SMTP:25"), good("IMAP:143")),
    ):
        house.end_round(*readings)
        house.drain_until(lambda: not house.target.busy and house.engine._undecided is None)
        house.pass_time(house.policy.verify_every_s)
    assert house.engine.state.incident is not None
    house.end_round(good("SMTP:25"), good("IMAP:143"))
    assert house.engine.state.incident is None


def test_a_round_counts_as_lost_only_after_its_longest() -> None:
    """However patiently the admin has it ask, a round under way is no hang; a lost one is."""
    house = House(Policy(attempts=Attempts(retries=100, timeout_s=1, delay_s=600)))
    house.start()
    house.pass_time(100 * 1 + 99 * 600 + 1 + ROUND_SLACK_S)
    assert not house.engine.stalled(house.now)
    house.pass_time(1)
    assert house.engine.stalled(house.now)
    house.end_round(good())
    assert not house.engine.stalled(house.now)


def test_late_reports_of_a_dropped_round_are_ignored(house: House) -> None:
    """After a reload the old round's readings, of services no longer watched, change nothing."""
    house.start()
    old = house.asker.begun[-1][0]
    house.engine.reconfigure(house.parts)
    house.engine.advance(house.now)
    house.take(RoundDone(old, (bad(),)))
    assert house.engine.state.stage is Stage.HEALTHY
    assert house.target.busy is False


def test_a_pause_holds_everything_and_announces_its_end(house: House) -> None:
    """While paused nothing is restarted or told; the end is told, and failures count again."""
    house.store.pause(replace(house.now, steady=house.seconds + 60, wall=house.now.wall + 60))
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.engine.state.stage is Stage.CONFIRMING)
    house.pass_time(61)
    house.end_round(bad())
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    house.drain_until(lambda: house.topics() == [Topic.NOTICE, Topic.OPENED])
    assert "no longer paused" in house.phone.messages[0].title


def test_nothing_is_gathered_during_a_pause(house: House, tmp_path: Path) -> None:
    """A service may fail for days while the admin works on it: no incident opens that needs it."""

    def nobody() -> Examiner:
        raise AssertionError("no collector asks")

    scene = Scene(EvidenceSettings(), tmp_path, nobody, collectors={})
    said: list[str] = []
    witness = Witness(scene, house.mailbox, lambda: house.seconds, said.append)

    def looks() -> bool:
        return witness.awaited_until is not None

    house.engine = Engine(replace(house.parts, witness=witness))
    house.store.pause(Now(house.seconds + 3600, house.now.wall + 3600))
    house.start()
    house.end_round(bad())
    assert not looks()
    house.drain_until(lambda: house.engine.state.stage is Stage.CONFIRMING)
    house.store.pause(None)
    house.pass_time(house.policy.interval_s)
    house.end_round(bad())
    assert looks()
    house.drain_until(lambda: house.engine.state.incident is not None)


def asked_as(house: House, **settings: str) -> None:
    """Ask each service in the way that its digest stands for; SMTP is SMTP:25."""
    digests = {f"{name}:{25 if name == 'SMTP' else 587}": x for name, x in settings.items()}
    house.parts = replace(house.parts, settings=digests)
    house.engine = Engine(house.parts)


def test_a_mistake_of_our_own_restarts_nothing(house: House) -> None:
    """A service that never passed calls a person; once it has passed, the same fault restarts."""
    asked_as(house, SMTP="a", SUBMISSION="wrong")
    house.start()
    house.end_round(good(), bad("SUBMISSION:587", Fault.TLS))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    assert "never seen SUBMISSION:587 answer" in house.phone.messages[0].body
    assert house.store.proven() == Proven({"SMTP:25": "a"})
    house.pass_time(house.policy.verify_every_s)
    house.end_round(good(), good("SUBMISSION:587"))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED, Topic.RECOVERED])
    house.pass_time(house.policy.interval_s)
    house.end_round(good(), bad("SUBMISSION:587", Fault.TLS))
    house.drain_until(lambda: house.container.restarts == 1)


def test_a_new_process_knows_what_the_last_one_has_proven(house: House) -> None:
    """What begins to fail while mailwatch is away is restarted by the next one, as asked before."""
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(good())
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(bad(fault=Fault.TLS))
    house.drain_until(lambda: house.container.restarts == 1)


def test_a_reload_with_other_settings_makes_a_service_unproven(house: House) -> None:
    """And it is forgotten what the old ones had proven, even where they come back."""
    asked_as(house, SMTP="a")
    house.start()
    house.end_round(good())
    house.engine.reconfigure(replace(house.parts, settings={"SMTP:25": "b"}))
    house.engine.advance(house.now)
    house.end_round(bad(fault=Fault.PROTOCOL))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    assert house.store.proven() == Proven()


def test_what_is_proven_is_committed_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the round that shows it, and then no healthy round commits anything."""
    commits: list[object] = []
    commit = house.store.commit

    def count(*args: Any, **kinds: Any) -> None:
        commits.append(kinds["proven"])
        commit(*args, **kinds)

    monkeypatch.setattr(house.store, "commit", count)
    asked_as(house, SMTP="a")
    house.start()
    begun = len(commits)
    for _ in range(3):
        house.end_round(good())
        house.pass_time(house.policy.interval_s)
    assert commits[begun:] == [Proven({"SMTP:25": "a"})]


BANNED = (bad("SMTP:25", Fault.DROPPED), bad("IMAPS:993", Fault.DROPPED))
ALIVE = replace(RUNNING, listens={25: True, 993: True})
DEAD = replace(RUNNING, listens={25: False, 993: False})


def test_a_container_in_which_nothing_listens_is_restarted(house: House) -> None:
    """Docker's proxy drops in its place: the message names that as the cause, and no ban."""
    house.container.state = DEAD
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    assert house.container.restarts == 1
    body = house.phone.messages[0].body
    assert "Likely cause: nothing listens inside the container for SMTP:25 and IMAPS:993." in body
    assert "ban" not in body
    assert "likely cause: nothing listens" in house.log.getvalue()


def test_a_ban_is_held_until_a_round_finds_nothing_that_listens(house: House) -> None:
    """A person is called for the ban; when the server is gone, it is restarted quietly."""
    house.container.state = ALIVE
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    house.container.state = DEAD
    for _ in range(2):
        house.pass_time(house.policy.verify_every_s)
        house.end_round(*BANNED)
        house.drain_until(lambda: not house.target.busy)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    assert house.container.restarts == 1
    house.pass_time(house.policy.settle_s)
    house.end_round(good(), good("IMAPS:993"))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED, Topic.RECOVERED])
    assert "Likely cause: nothing listens inside" in house.phone.messages[-1].body


@pytest.mark.parametrize("during", [ALIVE, replace(ALIVE, listens={993: True})])
def test_a_server_that_listened_during_the_round_may_have_banned_us(
    house: House, during: TargetState
) -> None:
    """Gone when the round is judged, it is restarted only if two more rounds find it so too."""
    house.container.state = during
    house.start()
    house.take(AttemptDone(1, "SMTP:25", 1, BANNED[0]))
    house.drain_until(lambda: not house.target.busy)
    house.container.state = DEAD
    house.take(RoundDone(1, BANNED))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    for _ in range(2):
        house.pass_time(house.policy.verify_every_s)
        house.end_round(*BANNED)
        house.drain_until(lambda: not house.target.busy)
    house.drain_until(lambda: house.container.restarts == 1)


def test_what_was_seen_before_the_round_ended_proves_nothing(house: House) -> None:
    """The engine hangs when the round is judged: it stays a ban, as long as nobody can look."""
    house.container.state = DEAD
    house.start()
    house.take(AttemptDone(1, "SMTP:25", 1, BANNED[0]))
    house.drain_until(lambda: not house.target.busy)
    house.container.hangs = True
    house.take(RoundDone(1, BANNED))
    house.pass_time(LOOK_GRACE_S)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0


def test_a_listener_that_the_evidence_found_may_have_banned_us(
    house: House, tmp_path: Path
) -> None:
    """The look around and the look at the container disagree: nothing is restarted."""

    def find(_subject: Subject, _deadline: Deadline) -> Finding:
        return Finding({"watched": [{"port": 25, "published_as": 25, "listens": True}]})

    def nobody() -> Examiner:
        raise AssertionError("no collector asks")

    scene = Scene(EvidenceSettings(), tmp_path, nobody, collectors={"connections": find})
    witness = Witness(scene, house.mailbox, lambda: house.seconds, pytest.fail)
    house.engine = Engine(replace(house.parts, witness=witness))
    house.container.state = DEAD
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    for _ in range(2):
        house.pass_time(house.policy.verify_every_s)
        house.end_round(*BANNED)
        house.drain_until(lambda: not house.target.busy)
    house.drain_until(lambda: house.container.restarts == 1)


@pytest.mark.parametrize("stage", [Stage.RESTARTING, Stage.VERIFYING, Stage.ESCALATED])
def test_a_new_process_looks_at_the_container_before_it_goes_on(stage: Stage) -> None:
    """With an open incident in the store, the engine first learns what the container did."""
    first = House(Policy())
    fail_until_restarted(first)
    first.drain_until(lambda: first.topics() == [Topic.OPENED])
    state = replace(first.engine.state, stage=stage)
    second = House(Policy())
    second.store.commit(state, [], second.now)
    second.start()
    assert second.asker.begun == []
    second.drain_until(lambda: second.container.looks == 1 and not second.target.busy)
    assert second.container.restarts == 0
    assert second.topics() == []


def test_messages_beyond_the_limit_of_an_hour_come_as_one() -> None:
    """The admin's limit holds; what was one too many leaves by itself when the hour is over."""
    house = House(Policy(messages_per_hour=1, unmeasured_after_s=0))
    house.start()
    house.end_round(blind())
    house.drain_until(lambda: bool(house.topics()) and house.store.letters() == ())
    house.pass_time(200)
    house.end_round(good())
    assert house.store.letters() == ()
    house.pass_time(3400)
    house.drain_until(lambda: len(house.phone.messages) == 2)
    assert house.phone.messages[1].title.endswith("can look again")


def test_a_new_process_knows_of_which_certificates_the_last_one_warned(house: House) -> None:
    """An upgrade, a reboot or a crash loop warns no second time within the day."""
    soon = replace(good("IMAPS:993"), certificate_expires=house.now.wall + 5.5 * 86_400)
    house.start()
    house.end_round(soon)
    house.drain_until(lambda: bool(house.topics()) and house.store.letters() == ())
    second = House(house.policy)
    second.store = house.store
    second.parts = replace(second.parts, store=house.store)
    second.engine = Engine(second.parts)
    second.seconds = house.seconds + 2 * 3600
    second.start()
    second.end_round(soon)
    assert second.store.letters() == ()
    second.pass_time(86_400)
    second.end_round(soon)
    assert len(second.store.letters()) == 1


def test_a_reload_looks_at_the_container_that_it_names(house: House) -> None:
    """A new process waits for the engine when another container is configured: that one counts."""
    first = House(Policy())
    fail_until_restarted(first)
    first.drain_until(lambda: first.engine.state.stage is Stage.SETTLING)
    house.store = first.store
    house.parts = replace(house.parts, store=first.store)
    house.engine = Engine(house.parts)
    house.container.hangs = True
    house.engine.begin(house.now)
    other = ScriptedContainer()
    house.target.replace(lambda: other)
    house.engine.reconfigure(house.parts)
    house.drain_until(lambda: other.looks == 1 and not house.target.busy)
    house.engine.advance(house.now)
    assert len(house.asker.begun) == 0
    house.pass_time(house.policy.settle_s)
    assert len(house.asker.begun) == 1


def test_an_expiring_certificate_is_told_daily_and_restarts_nothing(house: House) -> None:
    """Three days of rounds make three notices; the container is not even looked at."""
    soon = replace(good("IMAPS:993"), certificate_expires=house.now.wall + 5.5 * 86_400)
    house.start()
    for _ in range(3 * 24):
        house.end_round(soon)
        house.drain_until(lambda: house.store.letters() == ())
        house.pass_time(3600)
    assert house.topics() == [Topic.NOTICE] * 3
    assert house.phone.messages[0].title.endswith("expires in 5 days")
    assert house.container.looks == 0
    assert house.engine.state.stage is Stage.HEALTHY
