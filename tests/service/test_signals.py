"""Signals reach the events, on real signals sent to this very process."""

from __future__ import annotations

import os
import signal
import threading

from mailwatch.service.queue_events import EventQueue, SignalReceived
from mailwatch.service.signals import delivered

PATIENCE_S = 120.0


def test_a_signal_arrives_wherever_the_loop_waits() -> None:
    """Each of many signals sent at random moments of the wait is heard; none waits for its end."""
    events = EventQueue()
    with delivered([signal.SIGHUP], events):
        for _ in range(300):
            threading.Timer(0.0005, os.kill, (os.getpid(), signal.SIGHUP)).start()
            assert events.get(timeout=PATIENCE_S) == SignalReceived(signal.SIGHUP)


def test_the_handlers_before_are_put_back() -> None:
    """When the context ends, signals do what they did before it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: heard.append(number))
    try:
        events = EventQueue()
        with delivered([signal.SIGHUP], events):
            pass
        signal.raise_signal(signal.SIGHUP)
        assert heard == [signal.SIGHUP]
        assert events.empty()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_signals_are_not_passed_on() -> None:
    """The descriptor sees every signal of the process; only the asked-for ones are passed on."""
    events = EventQueue()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    try:
        with delivered([signal.SIGHUP], events):
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGHUP)
            assert events.get(timeout=PATIENCE_S) == SignalReceived(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert events.empty()
