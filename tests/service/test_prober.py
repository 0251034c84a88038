"""Rounds with real probes, as the engine has them run."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Attempts
from mailwatch.core.say import say
from mailwatch.host import threads
from mailwatch.probes import loopback_check
from mailwatch.probes import probe as probe_module
from mailwatch.probes.catalogue import build
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings
from mailwatch.service.prober import RoundProber
from mailwatch.service.queue_events import AttemptDone, EventQueue, RoundDone

ATTEMPTS = Attempts(retries=2, timeout_s=1, delay_s=0)


@pytest.fixture(autouse=True)
def _no_check_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a machine that stood still for a moment end its checks all the same."""
    monkeypatch.setattr(probe_module, "GRACE_S", 60)


@pytest.fixture
def silent() -> Iterator[ServiceSettings]:
    """A service that accepts every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield ServiceSettings("SMTP", "127.0.0.1", listener.getsockname()[1], probe="smtp")


def _round(*services: ServiceSettings) -> tuple[list[AttemptDone], tuple[Reading, ...]]:
    events = EventQueue()
    prober = RoundProber([build(service) for service in services], events, time.monotonic)
    prober.begin(7, ATTEMPTS)
    attempts: list[AttemptDone] = []
    while True:
        event = events.get(timeout=120)
        if isinstance(event, RoundDone):
            assert event.round == 7
            return attempts, event.readings
        assert isinstance(event, AttemptDone)
        attempts.append(event)


def test_a_round_of_silence_is_the_servers_while_we_hear_ourselves(
    silent: ServiceSettings,
) -> None:
    """A hang stays a hang: the control costs nothing that anybody would notice."""
    attempts, readings = _round(silent)
    assert [attempt.number for attempt in attempts] == [1, 2]
    assert [reading.fault for reading in readings] == [Fault.SILENT]


def test_a_round_of_silence_is_ours_when_we_do_not(
    silent: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a host that hears nobody, not even itself, nothing was measured."""
    monkeypatch.setattr(loopback_check, "_greet", lambda listener: None)
    _, readings = _round(silent)
    assert [reading.verdict for reading in readings] == [Verdict.UNMEASURED]
    assert "a listener of mailwatch's own" in say(readings[0].detail)


def test_a_word_beside_the_silence_is_believed_and_no_control(
    silent: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have come before this host went deaf, which is for the control to find out."""
    monkeypatch.setattr(loopback_check, "hear_ourselves", lambda deadline: words("a fault"))

    def grumble() -> None:
        for _ in range(ATTEMPTS.retries):
            link, _ = listener.accept()
            with link:
                link.sendall(b"* NO\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = threading.Thread(target=grumble)
        speaker.start()
        where = listener.getsockname()[1]
        _, readings = _round(silent, ServiceSettings("IMAP", "127.0.0.1", where, probe="imap"))
        speaker.join(120)
    assert [reading.fault for reading in readings] == [None, Fault.PROTOCOL]
    assert readings[0].verdict is Verdict.UNMEASURED


def test_a_pass_is_told_with_the_round_alone(silent: ServiceSettings) -> None:
    """The loop sleeps until all have answered, while a failed attempt is told at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        open_port = ServiceSettings("X", "127.0.0.1", listener.getsockname()[1], probe="tcp")
        attempts, readings = _round(open_port, silent)
    assert {attempt.service for attempt in attempts} == {silent.key}
    assert [reading.verdict for reading in readings] == [Verdict.PASS, Verdict.FAIL]


def test_without_a_thread_for_the_control_nothing_was_measured(
    silent: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that starts no thread any more is no evidence of a mail server's silence."""
    start = threads.start

    def no_thread(task: Callable[[], object], name: str) -> threading.Thread:
        if name == "loopback-check":
            raise RuntimeError("can't start new thread")
        return start(task, name)

    monkeypatch.setattr(threads, "start", no_thread)
    _, readings = _round(silent)
    assert [reading.verdict for reading in readings] == [Verdict.UNMEASURED]
    assert "raise TasksMax" in say(readings[0].detail)


class _Told(Check):
    """Passes, and notes at the beginning of each round whether it has passed before."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self.proven: list[bool] = []

    def begin_round(self, proven: bool = False) -> None:
        self.proven.append(proven)

    def check(self, deadline: Deadline) -> Reading:
        return Reading(self.settings.key, Verdict.PASS)


def test_a_round_knows_which_services_have_passed_before() -> None:
    """That outlives the process, and tells a login that broke from one that never worked."""
    told = [_Told(ServiceSettings(name, "127.0.0.1", 25)) for name in ("SMTP", "IMAP")]
    events, known = EventQueue(), {"SMTP:25"}
    prober = RoundProber(told, events, time.monotonic, lambda: known)
    for number in (1, 2):
        prober.begin(number, ATTEMPTS)
        assert isinstance(events.get(timeout=120), RoundDone)
        known = {"IMAP:25"}
    assert [one.proven for one in told] == [[True, False], [False, True]]
