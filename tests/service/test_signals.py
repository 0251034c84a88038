"""Signals reach the mailbox, on real signals sent to this very process."""

from __future__ import annotations

import os
import signal
import threading

from mailwatch.service.queue_events import Mailbox, Signalled
from mailwatch.service.signals import delivered

PATIENCE_S = 120.0


def test_a_signal_arrives_wherever_the_loop_waits() -> None:
    """Each of many signals sent at random moments of the wait is heard; none waits for its end."""
    mailbox = Mailbox()
    with delivered([signal.SIGHUP], mailbox):
        for _ in range(300):
            threading.Timer(0.0005, os.kill, (os.getpid(), signal.SIGHUP)).start()
            assert mailbox.get(timeout=PATIENCE_S) == Signalled(signal.SIGHUP)


def test_the_handlers_before_are_put_back() -> None:
    """When the context ends, signals do what they did before it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: heard.append(number))
    try:
        mailbox = Mailbox()
        with delivered([signal.SIGHUP], mailbox):
            pass
        signal.raise_signal(signal.SIGHUP)
        assert heard == [signal.SIGHUP]
        assert mailbox.empty()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_signals_are_not_reported() -> None:
    """The descriptor sees every signal of the process; only the asked-for ones are passed on."""
    mailbox = Mailbox()
    before = signal.signal(signal.SIGUSR1, lambda number, frame: None)
    try:
        with delivered([signal.SIGHUP], mailbox):
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGHUP)
            assert mailbox.get(timeout=PATIENCE_S) == Signalled(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert mailbox.empty()
