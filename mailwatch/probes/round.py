"""A round: every service asked at the same time, with retries, and over on time whatever hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Attempts
from mailwatch.host import threads
from mailwatch.host.workers import WORKERS
from mailwatch.probes.probe import Check

GRACE_S = 0.5
"""How much later than `Attempts.longest_s` a service may end before it counts as stuck."""

OnAttempt = Callable[[str, int, Reading], None]
"""Told the service's key, the number of the attempt (from 1) and how it went."""
OnDone = Callable[[tuple[Reading, ...]], None]
"""Told the reading of every service, in the order of the probes."""


class RollCall:
    """Holds one round after another with the same probes.

    It remembers a check that is stuck in the system, past its own deadline: its service is not
    asked again before that check has ended, so that threads do not pile up.
    """

    def __init__(self, probes: Sequence[Check], clock: Clock) -> None:
        self._clock = clock
        self._desks = tuple(_Desk(probe) for probe in probes)
        self._round: _Round | None = None
        WORKERS.keep(len(self._desks) + 1)  # one more holds the round

    def begin(self, attempts: Attempts, on_attempt: OnAttempt, on_done: OnDone) -> None:
        """Begin a round and return at once; one that is still under way is cancelled.

        Both callbacks are called from other threads, one call at a time, and must be quick.
        `on_done` is called once, after the last `on_attempt`, unless the round is cancelled: when
        every service has passed or used its attempts up, or GRACE_S after it should have.
        """
        self.cancel()
        self._round = current = _Round(self._desks, attempts, self._clock, on_attempt, on_done)
        try:
            WORKERS.run(current.hold)
        except RuntimeError:
            current.close(threads.WITHOUT)

    def forget(self) -> None:
        """Let no reading of before stand for the next round's (see `Check.forget`)."""
        for desk in self._desks:
            desk.probe.forget()

    def cancel(self) -> None:
        """Let go of the round that is under way, if any; it makes no further call.

        A conversation that has begun goes on to its end, and its reading is lost.
        """
        if self._round:
            self._round.cancel()
            self._round = None


class _Desk:
    """One service: its probe, and the checks of it that are under way."""

    def __init__(self, probe: Check) -> None:
        self.probe = probe
        self._lock = threading.Lock()
        self._due: dict[object, float] = {}

    def enter(self, check: object, ends_by: float, now: float) -> bool:
        """Note that `check` begins; False where an earlier one should have ended by now."""
        with self._lock:
            if any(due < now for due in self._due.values()):
                return False
            self._due[check] = ends_by
            return True

    def leave(self, check: object) -> None:
        """Note that `check` has ended."""
        with self._lock:
            self._due.pop(check, None)


@dataclass(eq=False, slots=True)
class _Round:
    """One round; `hold` runs on one worker and has a further one for each service."""

    desks: Sequence[_Desk]
    attempts: Attempts
    clock: Clock
    on_attempt: OnAttempt
    on_done: OnDone
    lock: threading.RLock = field(default_factory=threading.RLock)
    readings: dict[_Desk, Reading] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)
    settled: threading.Event = field(default_factory=threading.Event)

    def hold(self) -> None:
        """Ask every service; return when all have answered or should have."""
        for desk in self.desks:
            if self.closed.is_set():
                return
            self._dispatch(desk)
            # Let its thread have the interpreter, or all threads would ask for it at once.
            time.sleep(0)
        if self.desks:
            self.settled.wait(self.attempts.longest_s + GRACE_S)
        self.close(fact("check-late"))

    def cancel(self) -> None:
        """End the round without a further call."""
        with self.lock:
            self.closed.set()
        self.settled.set()

    def _dispatch(self, desk: _Desk) -> None:
        check = object()
        now = self.clock()
        if not desk.enter(check, now + self.attempts.longest_s + GRACE_S, now):
            self._settle(desk, desk.probe.unmeasured(fact("check-stuck")))
            return
        try:
            WORKERS.run(lambda: self._ask(desk, check), patient=True)
        except RuntimeError:
            desk.leave(check)
            self._settle(desk, desk.probe.unmeasured(threads.WITHOUT))

    def _ask(self, desk: _Desk, check: object) -> None:
        failed, blind = 0, None
        try:
            for number in range(1, self.attempts.retries + 1):
                if number > 1 and self.closed.wait(self.attempts.delay_s):
                    return
                reading = desk.probe.check(Deadline.after(self.attempts.timeout_s, self.clock))
                with self.lock:
                    if self.closed.is_set():
                        return
                    self.on_attempt(reading.service, number, reading)
                if reading.verdict is Verdict.PASS:
                    break
                if reading.verdict is Verdict.FAIL:
                    failed += 1
                else:
                    blind = reading
            if reading.verdict is Verdict.FAIL and failed == 1 and blind is not None:
                reading = blind  # one failed attempt of several that were to be made is too few
            self._settle(desk, reading)
        finally:
            desk.leave(check)

    def _settle(self, desk: _Desk, reading: Reading) -> None:
        with self.lock:
            self.readings[desk] = reading
            if len(self.readings) == len(self.desks):
                self.settled.set()

    def close(self, why_not: Fact) -> None:
        """End the round; who has not answered is unmeasured, for `why_not`."""
        with self.lock:
            if self.closed.is_set():
                return
            self.closed.set()
            blind = {desk: desk.probe.unmeasured(why_not) for desk in self.desks}
            self.on_done(tuple((blind | self.readings).values()))
