"""The monitor and all that it works with, scripted but for the threads and the store."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Topic
from mailwatch.core.model import (
    Condition,
    Description,
    Fault,
    Now,
    Reading,
    Target,
    TargetState,
    Verdict,
)
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.wording import Installation
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Collector, Examiner
from mailwatch.host.journal import Journal
from mailwatch.notifiers.errors import DeliveryError
from mailwatch.restarters import RestartError
from mailwatch.service.components import Components
from mailwatch.service.delivery import Delivery
from mailwatch.service.event_log import EventLog
from mailwatch.service.forensics import Forensics, Sources
from mailwatch.service.monitor import Monitor
from mailwatch.service.queue_events import AttemptDone, EventQueue, QueueEvent, RoundDone
from mailwatch.service.recovery import Recovery
from mailwatch.store.base import Store

RUNNING = TargetState(Condition.RUNNING, started_at=1000.0)
PATIENCE_S = 120.0


class LingeringQueue(EventQueue):
    """Keeps each thread that puts an event in, as a busy machine may, until `let_go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def put(self, item: QueueEvent, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self.let_go.wait(PATIENCE_S)


@dataclass
class ScriptedProber:
    """Remembers which rounds were begun; the test tells their outcome."""

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
    glances: int = 0
    seen: list[TargetState] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    def describe(self) -> Description:
        return Description(Target("docker", "mail"))

    def inspect(self, deadline: Deadline) -> TargetState:
        self.looks += 1
        if self.hangs:
            self.let_go.wait(PATIENCE_S)
        return self.state

    def glance(self, deadline: Deadline) -> TargetState:
        self.glances += 1
        return self.state

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        self.restarts += 1
        self.seen.append(seen)
        if self.error:
            raise RestartError(words(self.error), intervened=self.intervened)


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
        self.events = EventQueue()
        self.prober = ScriptedProber()
        self.container = ScriptedContainer()
        self.phone = ScriptedPhone()
        self.store = Store()
        self.log = io.StringIO()
        self.extended: list[float] = []
        self.said: list[str] = []
        """What the forensics complained of."""
        journal = Journal(self.log, journald=False)
        installation = Installation(
            "mx1", Target("docker", "stalwart"), "docker logs stalwart", lambda wall: "03:14:02"
        )
        self.recovery = Recovery(lambda: self.container, self.events, lambda: self.seconds)
        self.delivery = Delivery(
            {"gotify": self.phone},
            self.store,
            self.events,
            journal,
            lambda: self.seconds,
            installation.clock_text,
            lambda: 0.0,
        )
        self.parts = Components(
            policy,
            installation,
            self.prober,
            self.recovery,
            Forensics(
                Sources(EvidenceSettings(), Path("/nonexistent"), None),
                self.events,
                lambda: self.seconds,
                journal.warning,
            ),
            self.delivery,
            (EventLog(journal, installation),),
            self.store,
            self.extended.append,
        )
        self.monitor = Monitor(self.parts)

    @property
    def now(self) -> Now:
        return Now(self.seconds, self.seconds + self.wall_offset)

    def look_around(self, directory: Path, collectors: Mapping[str, Collector]) -> None:
        """Let evidence be gathered by `collectors`, and kept in `directory`."""

        def nobody() -> Examiner:
            raise AssertionError("no collector asks")

        sources = Sources(EvidenceSettings(), directory, nobody, collectors=collectors)
        forensics = Forensics(sources, self.events, lambda: self.seconds, self.said.append)
        onlookers = (*self.parts.onlookers, forensics)
        self.parts = replace(self.parts, examination=forensics, onlookers=onlookers)
        self.monitor = Monitor(self.parts)

    def start(self) -> None:
        self.monitor.begin(self.now)
        self.monitor.advance(self.now)
        self.drain_until(lambda: not self.recovery.glancing)

    def pass_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.monitor.advance(self.now)
        self.drain_until(lambda: not self.recovery.glancing)

    def take(self, event: QueueEvent) -> None:
        self.monitor.handle(event, self.now)
        self.monitor.advance(self.now)

    def drain_until(self, condition: Callable[[], bool]) -> None:
        """Take what the threads tell until `condition` holds."""
        patience = time.monotonic() + PATIENCE_S
        while not condition():
            self.take(self.events.get(timeout=max(0.01, patience - time.monotonic())))

    def end_round(self, *readings: Reading) -> None:
        """Tell the outcome of the round under way."""
        number = self.prober.begun[-1][0]
        for reading in readings:
            self.take(AttemptDone(number, reading.service, 1, reading))
        self.take(RoundDone(number, readings))

    def topics(self) -> list[Topic]:
        return [message.topic for message in self.phone.messages]


def is_idle(delivery: Delivery) -> bool:
    """Whether no message is under way."""
    return all(channel.job is None for channel in delivery._channels.values())


def good(service: str = "SMTP:25") -> Reading:
    """Return a reading that passed."""
    return Reading(service, Verdict.PASS)


def bad(service: str = "SMTP:25", fault: Fault = Fault.SILENT) -> Reading:
    """Return a reading that failed."""
    return Reading(service, Verdict.FAIL, fault, words("no greeting came within 5 s"))


def blind(service: str = "SMTP:25") -> Reading:
    """Return a reading that says nothing."""
    return Reading(service, Verdict.UNMEASURED, detail=words("this host is out of memory"))
