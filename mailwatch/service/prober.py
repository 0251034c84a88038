"""Runs the engine's rounds: begins them with the probes, and queues what they say."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from mailwatch.core import wall_clock
from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import NOTHING
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.wall_clock import ClockHistory
from mailwatch.host.clocks import is_synchronised, read_clocks
from mailwatch.host.job import Job
from mailwatch.probes import loopback_check
from mailwatch.probes.catalogue import is_usual
from mailwatch.probes.guest import Guest
from mailwatch.probes.probe import Check
from mailwatch.probes.round import RollCall
from mailwatch.service.queue_events import AttemptDone, EventQueue, RoundDone


class RoundProber:
    """Asks `probes`, all at the same time; see `components.Prober`.

    `proven` returns the keys of the services that have passed before as they are configured now.
    With `passes` an attempt that passes is told at once, too.
    """

    def __init__(
        self,
        probes: Sequence[Check],
        events: EventQueue,
        clock: Clock,
        proven: Callable[[], Collection[str]] = frozenset,
        guest: Guest | None = None,
        *,
        passes: bool = False,
    ) -> None:
        self._roll_call = RollCall(probes, clock, guest=guest)
        self._events = events
        self._clock = clock
        self._proven = proven
        self._passes = passes
        self._control = loopback_check.Control()

    def begin(self, number: int, attempts: Attempts) -> None:
        """Begin round `number`; RoundDone will carry it, and AttemptDone what does not pass.

        A round in which a service said no word is told after one more attempt, with our own
        listener, which costs 1 ms unless the fault is ours (see `probes.loopback_check`).
        """
        events, clock = self._events, self._clock

        def attempt_done(service: str, attempt: int, reading: Reading) -> None:
            # A pass is news only with the round's end, and to wake the loop for it costs 0.15 ms.
            if self._passes or reading.verdict is not Verdict.PASS:
                events.put(AttemptDone(number, service, attempt, reading))

        def round_done(readings: tuple[Reading, ...], lost_s: float) -> None:
            if not loopback_check.is_called_for(readings):
                events.put(RoundDone(number, self._control.disown(readings, NOTHING), lost_s))
                return
            # Not here, where the round holds its lock, which cancel() waits for.
            deadline = Deadline.after(attempts.timeout_s, clock)
            job: Job[RoundDone] = Job("loopback-check", deadline)
            job.start(
                lambda: RoundDone(number, self._control.sift(readings, deadline), lost_s),
                lambda why: RoundDone(number, self._control.disown(readings, why), lost_s),
                events.put,
            )

        self._roll_call.begin(attempts, attempt_done, round_done, self._proven())

    def forget(self) -> None:
        """Let no reading of before stand for the next round's."""
        self._roll_call.forget()

    def cancel(self) -> None:
        """Let go of the round that is under way."""
        self._roll_call.cancel()


def one_round(
    probes: Sequence[Check],
    attempts: Attempts,
    policy: Policy | None = None,
    told: Callable[[Reading], None] | None = None,
) -> tuple[Reading, ...]:
    """Ask `probes` in one round of its own, and return how each of them answers.

    What is asked at a port that is unusual for it may be set wrongly, so it is listened to first.
    `told` is called with what a service has answered in the end, as soon as that is known. What is
    returned may be judged otherwise where the fault turns out to be ours.
    """
    events, guest, policy = EventQueue(), Guest(), policy or Policy()
    guest.reconfigure(policy, [p.settings.key for p in probes if not is_usual(p.settings)])
    prober = RoundProber(probes, events, time.monotonic, guest=guest, passes=told is not None)
    prober.begin(1, attempts)
    while True:
        report = events.get()
        if told and isinstance(report, AttemptDone):
            passed = report.reading.verdict is Verdict.PASS
            if passed or report.number == attempts.retries:
                told(report.reading)
        if isinstance(report, RoundDone):
            now = read_clocks()
            _, trust = wall_clock.look(ClockHistory(), now, is_synchronised())
            return wall_clock.sift(report.readings, trust, now)
