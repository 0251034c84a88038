from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, replace

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.probes import loopback_check
from mailwatch.probes.loopback_check import Control, hear_ourselves, is_called_for

WELL = Reading("A:1", Verdict.PASS)
WORDLESS = (Fault.REFUSED, Fault.TIMEOUT, Fault.SILENT, Fault.DROPPED, Fault.RESET)
BLIND = Reading("B:2", Verdict.UNMEASURED, detail=words("no route"))


def _bad(fault: Fault) -> Reading:
    return Reading("C:3", Verdict.FAIL, fault, words("some words"))


def _fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def _soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds, time.monotonic)


def _deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our listener say nothing, as on a host that is deaf to itself."""
    monkeypatch.setattr(loopback_check, "_greet", lambda listener: None)


@pytest.mark.parametrize(
    ("readings", "called"),
    [
        ([], False),
        ([WELL], False),
        ([BLIND], False),
        ([_bad(Fault.SILENT)], True),
        ([_bad(Fault.TIMEOUT), _bad(Fault.SILENT), BLIND], True),
        ([_bad(Fault.TIMEOUT), WELL], True),
        ([_bad(Fault.TIMEOUT), replace(WELL, service="Queue")], True),
        ([_bad(Fault.TIMEOUT), replace(WELL, remembered=True)], True),
        ([replace(_bad(Fault.TIMEOUT), service="Queue")], False),
        *[([WELL, _bad(fault)], fault in WORDLESS) for fault in Fault],
    ],
)
def test_it_is_called_for_where_a_port_says_no_word(readings: list[Reading], called: bool) -> None:
    """Also where others speak, perhaps earlier; a refusal may be a firewall's of this host."""
    assert is_called_for(readings) is called


def test_a_host_that_is_well_hears_itself() -> None:
    """The control succeeds again and again, and leaves no descriptor or thread behind."""
    assert not hear_ourselves(_soon())
    before, threads = _fds(), threading.active_count()
    for _ in range(50):
        assert not hear_ourselves(_soon())
    until = time.monotonic() + 10
    while _fds() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert _fds() <= before
    assert threading.active_count() == threads


def test_silence_with_a_working_control_stays_a_failure() -> None:
    """Then it is the mail server that hangs."""
    readings = (_bad(Fault.SILENT), BLIND)
    assert Control().sift(readings, _soon()) == readings


def test_a_fault_of_the_host_may_begin_and_end_in_the_middle_of_a_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was heard before it counts, and not the silence; after it, the second round does."""
    ours, readings = Control(), (WELL, _bad(Fault.TIMEOUT))
    with monkeypatch.context() as patch:
        patch.setattr(loopback_check, "_listen", _Refusal(OSError(24, "EMFILE")))
        begun = ours.sift(readings, _soon())
    assert [reading.verdict for reading in begun] == [Verdict.PASS, Verdict.UNMEASURED]
    ended = ours.sift(readings, _soon())
    assert [reading.verdict for reading in ended] == [Verdict.PASS, Verdict.UNMEASURED]
    assert "it has only just ended" in say(ended[1].detail)
    assert ours.sift(readings, _soon()) == readings


def test_a_fault_that_ended_long_ago_excuses_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round in which all speak lies between: what is silent after that hangs."""
    ours, readings = Control(), (_bad(Fault.TIMEOUT),)
    with monkeypatch.context() as patch:
        patch.setattr(loopback_check, "_listen", _Refusal(OSError(24, "EMFILE")))
        ours.sift(readings, _soon())
    assert ours.sift((WELL,), _soon()) == (WELL,)
    assert ours.sift(readings, _soon()) == readings


def test_a_host_that_refuses_itself_has_measured_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a firewall of this host rejects what we send, nobody restarts a mail server for it."""

    def closed() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.shutdown(socket.SHUT_RDWR)
        return listener

    monkeypatch.setattr(loopback_check, "_listen", closed)
    (sifted,) = Control().sift((_bad(Fault.REFUSED),), _soon())
    assert sifted.verdict is Verdict.UNMEASURED
    assert "nothing listens on 127.0.0.1" in say(sifted.detail)


def test_a_deaf_host_has_measured_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When not even our own listener is heard, every failure of the round is unmeasured."""
    _deaf(monkeypatch)
    began = time.monotonic()
    sifted = Control().sift((_bad(Fault.SILENT), BLIND, _bad(Fault.TIMEOUT)), _soon(1))
    assert time.monotonic() - began < 20
    assert [reading.verdict for reading in sifted] == [Verdict.UNMEASURED] * 3
    assert say(sifted[0].detail).startswith("a fault of this host: ")
    assert "the greeting never came" in say(sifted[0].detail)
    assert sifted[1] == BLIND


@dataclass
class _Refusal:
    error: Exception

    def __call__(self, *args: object, **more: object) -> socket.socket:
        raise self.error


def test_without_a_listener_the_fault_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor is named for what it is, with what to do (for no thread see test_prober)."""
    with monkeypatch.context() as patch:
        patch.setattr(socket, "create_server", _Refusal(OSError(24, "EMFILE")))
        assert "raise LimitNOFILE" in say(hear_ourselves(_soon()))


def test_a_host_without_ipv4_uses_the_other_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """::1 does where there is no 127.0.0.1."""
    if not socket.has_ipv6:
        pytest.skip("this host has no IPv6")
    monkeypatch.setattr(loopback_check, "_LOOPBACKS", ((socket.AF_INET, "192.0.2.1"), *_SIX))
    assert not hear_ourselves(_soon())


_SIX = ((socket.AF_INET6, "::1"),)
