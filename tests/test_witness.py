"""The witness between the engine and the collectors: when it looks, what it keeps, who waits."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.model import Condition, Fault, Message, Now, Reading, TargetState, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.state import Stage
from mailwatch.core.wording import Voice
from mailwatch.courier import Courier
from mailwatch.evidence import keeping, readings
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Collector, Examiner, Subject
from mailwatch.journal import Journal
from mailwatch.narrator import Narrator
from mailwatch.reports import AttemptDone, Looked, Mailbox, RoundDone, Witnessed
from mailwatch.store.memory import MemoryStore
from mailwatch.target import Target
from mailwatch.tick import Engine, Parts
from mailwatch.witness import Scene, Witness

PATIENCE_S = 20.0
WALL = 1_700_000_000.0
GOOD = Reading("IMAPS:993", Verdict.PASS)
BAD = Reading("IMAPS:993", Verdict.FAIL, Fault.SILENT, "no greeting came within 5 s")


def no_engine() -> Examiner:
    """Stand for an engine that no collector of these tests asks."""
    raise AssertionError


@dataclass
class Eyes:
    """A collector of processes that sees one stopped, waits for `may_end`, and counts its looks."""

    looks: list[Subject] = field(default_factory=list)
    may_end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    def collect(self, subject: Subject, deadline: Deadline) -> Finding:
        self.looks.append(subject)
        self.may_end.wait(PATIENCE_S)
        return Finding({"count": 1, "table": [{"pid": "7", "name": "imap", "state": "T"}]})


@dataclass
class Calm:
    """The asker, the target's engine and the phone, as the tests of the witness need them."""

    rounds: list[int] = field(default_factory=list)
    restarts: int = 0
    messages: list[Message] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    def begin(self, number: int, attempts: Attempts) -> None:
        self.rounds.append(number)

    def cancel(self) -> None:
        pass

    def inspect(self, deadline: Deadline) -> TargetState:
        return TargetState(Condition.RUNNING, started_at=1000.0)

    def restart(self, deadline: Deadline) -> None:
        self.restarts += 1

    def send(self, message: Message, deadline: Deadline) -> None:
        self.messages.append(message)
        self.told.set()


class House:
    """An engine with a real witness, on a clock that the test moves."""

    def __init__(self, directory: Path, settings: EvidenceSettings) -> None:
        self.directory = directory
        self.seconds = 5000.0
        self.mailbox: Mailbox = SimpleQueue()
        self.eyes, self.calm = Eyes(), Calm()
        self.log = io.StringIO()
        journal = Journal(self.log, journald=False)
        voice = Voice("mx1", "container stalwart", "docker logs stalwart", lambda wall: "03:14:02")
        store = MemoryStore()
        collectors: dict[str, Collector] = {
            "readings": readings.collect,
            "processes": self.eyes.collect,
        }
        scene = Scene(settings, directory, no_engine, collectors=collectors)
        self.witness = Witness(scene, self.mailbox, self.clock, journal.warning)
        parts = Parts(
            policy=Policy(),
            voice=voice,
            asker=self.calm,
            target=Target(lambda: self.calm, self.mailbox, self.clock),
            courier=Courier(
                self.calm, store, self.mailbox, journal, self.clock, voice.clock_text, lambda: 0.0
            ),
            narrator=Narrator(journal, voice),
            store=store,
            before_restart=lambda seconds: None,
            witness=self.witness,
        )
        self.engine = Engine(parts, self.clock)
        self.engine.begin(self.now)
        self.engine.advance(self.now)

    def clock(self) -> float:
        return self.seconds

    @property
    def now(self) -> Now:
        return Now(self.seconds, self.seconds + WALL)

    def attempt(self, reading: Reading) -> None:
        """Report one attempt of the round under way."""
        self.engine.handle(AttemptDone(self.calm.rounds[-1], reading.service, 1, reading), self.now)
        self.engine.advance(self.now)

    def end_round(self, reading: Reading) -> None:
        """Report the end of the round under way."""
        self.engine.handle(RoundDone(self.calm.rounds[-1], (reading,)), self.now)
        self.engine.advance(self.now)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.engine.advance(self.now)

    def drain_until(self, condition: Callable[[], bool]) -> None:
        """Take what the threads report until `condition` holds."""
        patience = time.monotonic() + PATIENCE_S
        while not condition():
            left = max(0.01, patience - time.monotonic())
            self.engine.handle(self.mailbox.get(timeout=left), self.now)
            self.engine.advance(self.now)

    def take_the_look_at_the_target(self) -> None:
        """Take reports until the engine has described the target."""
        while not isinstance(report := self.mailbox.get(timeout=PATIENCE_S), Looked):
            self.engine.handle(report, self.now)
        self.engine.handle(report, self.now)

    def kept(self, moment: keeping.Moment) -> keeping.Kept:
        """Return what is kept of the only incident, as soon as it is."""
        patience = time.monotonic() + PATIENCE_S
        while time.monotonic() < patience:
            for path in keeping.folder(self.directory).glob(f"*.{moment}.json.gz"):
                found = keeping.load(self.directory, path.name.split(".")[0])[moment]
                if found is not None:
                    return found
            time.sleep(0.01)
        raise AssertionError(f"nothing was kept of {moment}")


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Give a house whose witness is switched on."""
    return House(tmp_path, EvidenceSettings())


def test_the_cause_is_in_the_first_message(house: House) -> None:
    """The look begins with the first failing attempt, and is over when the message is written."""
    house.attempt(BAD)
    house.attempt(BAD)
    house.end_round(BAD)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    house.calm.told.wait(PATIENCE_S)
    cause = "stopped processes (SIGSTOP): 1 of 1 (imap)"
    assert f"Likely cause: {cause}." in house.calm.messages[0].body
    assert len(house.eyes.looks) == 1
    kept = house.kept("before")
    assert kept["processes"] == {
        "count": 1,
        "table": [{"pid": "7", "name": "imap", "state": "T"}],
    }
    assert kept["gathered"] == {"at": WALL + 5000, "took_s": 0.0, "causes": [cause]}


def test_a_look_that_hangs_delays_the_restart_by_wait_s_alone(house: House) -> None:
    """Then the restart goes ahead without a cause."""
    house.eyes.may_end.clear()
    house.attempt(BAD)
    house.end_round(BAD)
    house.take_the_look_at_the_target()
    house.pass_time(2)
    assert house.calm.restarts == 0
    house.pass_time(2)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    assert house.calm.restarts == 1
    house.calm.told.wait(PATIENCE_S)
    assert "Likely cause" not in house.calm.messages[0].body
    house.eyes.may_end.set()


def test_a_look_that_comes_late_is_kept_all_the_same(house: House) -> None:
    """It was taken before the restart, only its answer was not waited for."""
    house.eyes.may_end.clear()
    house.attempt(BAD)
    house.end_round(BAD)
    house.take_the_look_at_the_target()
    house.pass_time(4)
    assert not keeping.folder(house.directory).exists()
    house.eyes.may_end.set()
    house.drain_until(lambda: house.witness.awaited_until is None)
    assert "processes" in house.kept("before")


def test_after_the_recovery_it_looks_once_more(house: House) -> None:
    """The same numbers, with the readings that passed."""
    house.end_round(BAD)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    house.pass_time(15)
    house.end_round(GOOD)
    assert house.engine.state.stage is Stage.HEALTHY
    found = Finding.of_json(house.kept("after")["readings"]).values
    assert found["now"] == [readings.as_json(GOOD)]
    assert isinstance(found["before"], list)
    assert len(found["before"]) == 2


def test_an_open_incident_is_not_looked_at_again(house: House) -> None:
    """What came after the first restart is no trace of what was before it."""
    house.end_round(BAD)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    house.pass_time(15)
    house.attempt(BAD)
    house.end_round(BAD)
    assert len(house.eyes.looks) == 1


def test_a_failure_that_passes_leaves_no_file(house: House, tmp_path: Path) -> None:
    """An attempt failed, the next one passed: no incident, nothing kept, and a new look later."""
    house.attempt(BAD)
    house.drain_until(lambda: house.witness.awaited_until is None)
    house.end_round(GOOD)
    assert not keeping.folder(tmp_path).exists()
    house.pass_time(120)
    house.attempt(BAD)
    house.drain_until(lambda: house.witness.awaited_until is None)
    assert len(house.eyes.looks) == 2
    assert house.eyes.looks[1].since == WALL + 5000


def test_an_answer_of_an_earlier_round_is_ignored(house: House) -> None:
    """It would speak of another moment."""
    house.attempt(BAD)
    late = house.mailbox.get(timeout=PATIENCE_S)
    while not isinstance(late, Witnessed):
        late = house.mailbox.get(timeout=PATIENCE_S)
    house.end_round(GOOD)
    house.pass_time(120)
    house.attempt(BAD)
    assert not house.witness.owns(late)


def test_switched_off_it_neither_looks_nor_waits(tmp_path: Path) -> None:
    """[evidence] enabled = false."""
    house = House(tmp_path, EvidenceSettings(enabled=False))
    house.attempt(BAD)
    house.end_round(BAD)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    assert house.eyes.looks == []
    house.pass_time(15)
    house.end_round(GOOD)
    assert not keeping.folder(tmp_path).exists()


def test_a_disk_that_takes_no_evidence_is_said_once_and_costs_nothing(
    house: House, tmp_path: Path
) -> None:
    """One sentence with the folder in the journal, and the restart goes on."""
    keeping.folder(tmp_path).write_text("a file in its place")
    house.end_round(BAD)
    house.drain_until(lambda: house.engine.state.stage is Stage.SETTLING)
    patience = time.monotonic() + PATIENCE_S
    while "could not be kept" not in house.log.getvalue() and time.monotonic() < patience:
        time.sleep(0.01)
    assert f"see that {keeping.folder(tmp_path)} is writable" in house.log.getvalue()
