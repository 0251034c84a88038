"""A round: every service asked at the same time, with retries, and over on time whatever hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Attempts
from mailwatch.net.engine import ENGINE, Engine, Steps, Wait
from mailwatch.net.errors import ConversationError, bug
from mailwatch.probes.guest import Guest
from mailwatch.probes.probe import Check

OnAttempt = Callable[[str, int, Reading], None]
"""Told the service's key, the number of the attempt (from 1) and how it went."""
OnDone = Callable[[tuple[Reading, ...], float], None]
"""Told the reading of every service, in the order of the probes, and the seconds (>= 0) for which
the engine was kept from its work meanwhile (`Engine.lost_s`)."""


class RollCall:
    """Holds one round after another with the same probes, as `guest` allows."""

    def __init__(
        self,
        probes: Sequence[Check],
        clock: Clock,
        engine: Engine = ENGINE,
        guest: Guest | None = None,
    ) -> None:
        self._guest = guest or Guest()
        self._probes = probes
        self._clock = clock
        self._engine = engine
        self._round: _Round | None = None

    def begin(
        self,
        attempts: Attempts,
        on_attempt: OnAttempt,
        on_done: OnDone,
        proven: Collection[str] = (),
    ) -> None:
        """Begin a round and return at once; one that is still under way is cancelled.

        Both callbacks must be quick, and are called one at a time, mostly from another thread.
        `on_done` is called once, after the last `on_attempt`, unless the round is cancelled: when
        every service has passed or used its attempts up. `proven` are the keys of the services
        that have passed before as they are configured now.
        """
        self.cancel()
        if not self._probes:
            on_done((), 0.0)
            return
        current = _Round(
            self._probes, attempts, self._clock, self._engine, self._guest, on_attempt, on_done
        )
        self._round = current
        for probe in self._probes:
            probe.begin_round(probe.settings.key in proven)
        try:
            self._engine.begin([current.ask(probe) for probe in self._probes])
        except ConversationError as error:
            current.close({probe: probe.unmeasured(error.detail) for probe in self._probes})

    def forget(self) -> None:
        """Let no reading of before stand for the next round's (see `Check.forget`)."""
        self._guest.forget()
        for probe in self._probes:
            probe.forget()

    def cancel(self) -> None:
        """Let go of the round that is under way, if any; it makes no further call.

        A conversation that has begun goes on to its end, and its reading is lost.
        """
        if self._round:
            self._round.cancel()
            self._round = None


@dataclass(eq=False, slots=True)
class _Round:
    """One round; `ask` runs on the engine's thread, once for each service."""

    probes: Sequence[Check]
    attempts: Attempts
    clock: Clock
    engine: Engine
    guest: Guest
    on_attempt: OnAttempt
    on_done: OnDone
    lock: threading.RLock = field(default_factory=threading.RLock)
    readings: dict[Check, Reading] = field(default_factory=dict)
    closed: bool = False
    lost_before_s: float = 0.0

    def __post_init__(self) -> None:
        self.lost_before_s = self.engine.lost_s

    def ask(self, probe: Check) -> Steps[None]:
        """Ask one service until it passes or its attempts are used up."""
        failed, blind, settings = 0, None, probe.settings
        probe.turn = partial(self.guest.turn, settings, self.clock)
        for number in range(1, self.attempts.retries + 1):
            if number > 1:
                yield Wait(self.clock() + self.attempts.delay_s)
            yield from probe.turn()
            if self.is_over:
                return
            probe.manner = self.guest.manner(settings)
            try:
                deadline = Deadline.after(self.attempts.timeout_s, self.clock)
                reading = yield from probe.attempt(deadline)
            except Exception as error:  # noqa: BLE001  it says nothing about the service
                reading = probe.unmeasured(bug(error).detail)
            self.guest.settle(settings, reading)
            with self.lock:
                if self.closed:
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
        self.readings[probe] = reading
        if len(self.readings) == len(self.probes):
            self.close(self.readings)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for a further reading."""
        return self.closed

    def cancel(self) -> None:
        """End the round without a further call."""
        with self.lock:
            self.closed = True

    def close(self, readings: Mapping[Check, Reading]) -> None:
        """End the round with `readings` of all its probes."""
        with self.lock:
            if not self.closed:
                self.closed = True
                lost_s = self.engine.lost_s - self.lost_before_s
                self.on_done(tuple(readings[probe] for probe in self.probes), lost_s)
