from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.say import say
from mailwatch.net.engine import Engine
from mailwatch.probes import probe as module
from mailwatch.probes.catalogue import build
from mailwatch.probes.guest import Guest
from mailwatch.probes.probe import Check
from mailwatch.probes.round import RollCall
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]

ONCE = Attempts(retries=1, timeout_s=60, delay_s=0)
PATIENCE_S = 120


class Round:
    """Collects what a round reports."""

    def __init__(self, roll_call: RollCall, attempts: Attempts) -> None:
        self.attempts: list[tuple[str, int, Verdict]] = []
        self.done: list[tuple[Reading, ...]] = []
        self.attempted = threading.Semaphore(0)
        self._over = threading.Event()
        roll_call.begin(attempts, self._attempt, self._done)

    def _attempt(self, service: str, number: int, reading: Reading) -> None:
        assert not self.done, "an attempt is never reported after the end"
        self.attempts.append((service, number, reading.verdict))
        self.attempted.release()

    def _done(self, readings: tuple[Reading, ...], lost_s: float) -> None:
        assert lost_s >= 0
        self.done.append(readings)
        self._over.set()

    def readings(self) -> tuple[Reading, ...]:
        """Wait for the end of the round."""
        assert self._over.wait(PATIENCE_S)
        (readings,) = self.done
        return readings


class Stuck(Check):
    """A probe that is stuck in the system until it is let go, whatever its deadline says."""

    def __init__(self, name: str) -> None:
        super().__init__(ServiceSettings(name, "127.0.0.1", 1))
        self.begun = 0
        self.release = threading.Event()

    def check(self, deadline: Deadline) -> Reading:
        """Hang."""
        self.begun += 1
        self.release.wait(PATIENCE_S)
        return Reading(self.settings.key, Verdict.PASS)


def test_all_services_are_asked_at_the_same_time(peer: MakePeer, service: Settings) -> None:
    """Services that answer only once all are connected answer all: nobody waits for another."""
    together = threading.Barrier(12)

    def script(link: Link) -> None:
        together.wait(PATIENCE_S)
        link.say("220 hi")
        link.hear()
        link.say("250 hi")
        link.hear()
        link.say("221 bye")
        link.hear_end()

    server = peer(script)
    probes = [build(service("SMTP", server)) for _ in range(12)]
    readings = Round(RollCall(probes, time.monotonic), ONCE).readings()
    assert [reading.verdict for reading in readings] == [Verdict.PASS] * 12


def test_readings_come_in_the_order_of_the_probes(
    peer: MakePeer, service: Settings, smtp_server: Script, closed_port: int
) -> None:
    """Whoever ends first, the readings stand in the order of the configuration."""
    probes = [
        build(ServiceSettings("A", "127.0.0.1", closed_port)),
        build(service("SMTP", peer(smtp_server))),
        build(ServiceSettings("B", "127.0.0.1", closed_port)),
    ]
    readings = Round(RollCall(probes, time.monotonic), ONCE).readings()
    assert [reading.service for reading in readings] == [probe.settings.key for probe in probes]
    assert [reading.fault for reading in readings] == [Fault.REFUSED, None, Fault.REFUSED]


def test_a_pass_ends_the_attempts(peer: MakePeer, service: Settings, smtp_server: Script) -> None:
    """A service that passes at once is asked once."""
    server = peer(smtp_server)
    a_round = Round(
        RollCall([build(service("SMTP", server))], time.monotonic),
        Attempts(retries=3, timeout_s=60, delay_s=600),
    )
    assert a_round.readings()[0].verdict is Verdict.PASS
    assert len(server.links) == 1
    assert a_round.attempts == [(f"SMTP:{server.port}", 1, Verdict.PASS)]


def test_a_service_that_comes_back_passes(
    peer: MakePeer, service: Settings, smtp_server: Script
) -> None:
    """The first pass counts, whatever failed before; every attempt is reported."""
    calls = iter([False, False, True])

    def script(link: Link) -> None:
        if next(calls):
            smtp_server(link)

    server = peer(script)
    a_round = Round(
        RollCall([build(service("SMTP", server))], time.monotonic),
        Attempts(retries=5, timeout_s=60, delay_s=0.01),
    )
    assert a_round.readings()[0].verdict is Verdict.PASS
    verdicts = [verdict for _, _, verdict in a_round.attempts]
    assert verdicts == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]
    assert [number for _, number, _ in a_round.attempts] == [1, 2, 3]


def test_all_attempts_failing_is_a_failure(closed_port: int) -> None:
    """A service that fails `retries` times has the reading of the last one."""
    probe = build(ServiceSettings("A", "127.0.0.1", closed_port))
    a_round = Round(
        RollCall([probe], time.monotonic), Attempts(retries=3, timeout_s=60, delay_s=0.01)
    )
    assert a_round.readings()[0].fault is Fault.REFUSED
    assert [number for _, number, _ in a_round.attempts] == [1, 2, 3]


class Told(Check):
    """A probe whose attempts go as they are told."""

    def __init__(self, *verdicts: Verdict) -> None:
        super().__init__(ServiceSettings("TOLD", "127.0.0.1", 1))
        self._verdicts = iter(verdicts)

    def check(self, deadline: Deadline) -> Reading:
        """Say what comes next."""
        verdict = next(self._verdicts)
        fault = Fault.REFUSED if verdict is Verdict.FAIL else None
        return Reading(self.settings.key, verdict, fault)


@pytest.mark.parametrize(
    ("attempts", "outcome"),
    [
        ("FAIL", "FAIL"),
        ("UNMEASURED FAIL", "UNMEASURED"),
        ("UNMEASURED UNMEASURED FAIL", "UNMEASURED"),
        ("UNMEASURED FAIL FAIL", "FAIL"),
        ("FAIL UNMEASURED FAIL", "FAIL"),
        ("FAIL FAIL UNMEASURED", "UNMEASURED"),
        ("UNMEASURED FAIL PASS", "PASS"),
    ],
)
def test_an_attempt_that_could_not_look_is_no_failed_one(attempts: str, outcome: str) -> None:
    """A host whose network comes back in the middle of a round has not seen the server fail."""
    verdicts = [Verdict[name] for name in attempts.split()]
    once = Attempts(retries=len(verdicts), timeout_s=10, delay_s=0)
    (reading,) = Round(RollCall([Told(*verdicts)], time.monotonic), once).readings()
    assert reading.verdict is Verdict[outcome]


def test_hung_services_last_as_long_as_one(
    peer: MakePeer, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many hang, the round lasts retries x timeout + the delays, and little more."""
    monkeypatch.setattr(module, "GRACE_S", 25)
    server = peer(lambda link: link.hear_end())
    probes = [build(service("SMTP", server)) for _ in range(40)]
    attempts = Attempts(retries=2, timeout_s=1.5, delay_s=0.5)
    began = time.monotonic()
    hasty = Guest(Policy(smtp_per_second=0))
    readings = Round(RollCall(probes, time.monotonic, guest=hasty), attempts).readings()
    took = time.monotonic() - began
    assert {reading.fault for reading in readings} == {Fault.SILENT}
    assert attempts.longest_s <= took < attempts.longest_s + 30


def test_a_stuck_check_delays_no_other_and_is_not_piled_up(
    monkeypatch: pytest.MonkeyPatch, peer: MakePeer, service: Settings, smtp_server: Script
) -> None:
    """A check that outlives its deadline reads unmeasured, and has no second beside it."""
    monkeypatch.setattr(module, "GRACE_S", 0.2)
    stuck = Stuck("STUCK")
    healthy = build(service("SMTP", peer(smtp_server)))
    attempts = Attempts(retries=1, timeout_s=4, delay_s=0)
    roll_call = RollCall([stuck, healthy], time.monotonic)
    try:
        readings = Round(roll_call, attempts).readings()
        assert [reading.verdict for reading in readings] == [Verdict.UNMEASURED, Verdict.PASS]
        assert "still busy with this check" in say(readings[0].detail)
        for _ in range(3):
            readings = Round(roll_call, attempts).readings()
            assert [reading.verdict for reading in readings] == [Verdict.UNMEASURED, Verdict.PASS]
            assert "still busy with an earlier check" in say(readings[0].detail)
        assert stuck.begun == 1
    finally:
        stuck.release.set()
    deadline = time.monotonic() + PATIENCE_S
    while Round(roll_call, attempts).readings()[0].verdict is not Verdict.PASS:
        assert time.monotonic() < deadline, "a check that has ended makes room for the next"
    assert stuck.begun == 2


def test_cancel_ends_a_round_at_once_and_for_good(closed_port: int) -> None:
    """A cancelled round makes no further call, however long its delays were to be."""
    probe = build(ServiceSettings("A", "127.0.0.1", closed_port))
    roll_call = RollCall([probe], time.monotonic)
    first = Round(roll_call, Attempts(retries=2, timeout_s=60, delay_s=600))
    assert first.attempted.acquire(timeout=PATIENCE_S)
    before = threading.active_count()
    roll_call.cancel()
    second = Round(roll_call, ONCE)
    assert second.readings()[0].fault is Fault.REFUSED
    assert len(first.attempts) == 1
    assert first.done == []
    assert threading.active_count() <= before + 2


def test_a_new_round_may_begin_while_a_cancelled_one_still_waits(
    peer: MakePeer, service: Settings, smtp_server: Script
) -> None:
    """A check that is under way but not late does not stand in the way of a new round's."""
    hang = threading.Event()

    def script(link: Link) -> None:
        if not hang.is_set():
            hang.set()
            link.hear_end()
        else:
            smtp_server(link)

    roll_call = RollCall([build(service("SMTP", peer(script)))], time.monotonic)
    Round(roll_call, Attempts(retries=1, timeout_s=60, delay_s=0))
    assert hang.wait(PATIENCE_S)
    assert Round(roll_call, ONCE).readings()[0].verdict is Verdict.PASS


def test_no_services_are_a_round_too() -> None:
    """A round of nothing is over at once."""
    assert Round(RollCall([], time.monotonic), ONCE).readings() == ()


def test_without_a_thread_we_could_not_look(
    closed_port: int, without_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    """Where the system allows no thread, the round still ends, unmeasured; the next one looks."""
    probes = [build(ServiceSettings("A", "127.0.0.1", closed_port))]
    roll_call = RollCall(probes, time.monotonic, Engine())
    with without_threads():
        (reading,) = Round(roll_call, ONCE).readings()
    assert reading.verdict is Verdict.UNMEASURED
    assert "raise TasksMax" in say(reading.detail)
    assert Round(roll_call, ONCE).readings()[0].fault is Fault.REFUSED


def test_a_check_without_a_thread_of_its_own_is_unmeasured(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """The engine runs, but allows no further thread: the reading says what to raise."""
    engine = Engine()
    engine.begin([])
    roll_call = RollCall([Told(Verdict.PASS)], time.monotonic, engine)
    with without_threads():
        (reading,) = Round(roll_call, ONCE).readings()
    assert reading.verdict is Verdict.UNMEASURED
    assert "raise TasksMax" in say(reading.detail)
    assert Round(roll_call, ONCE).readings()[0].verdict is Verdict.PASS
