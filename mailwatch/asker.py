"""Runs the engine's rounds: begins them with the probes, and puts what they say in the mailbox."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.deadline import Clock
from mailwatch.core.model import Reading
from mailwatch.core.policy import Attempts
from mailwatch.probes.probe import Probe
from mailwatch.probes.round import RollCall
from mailwatch.reports import AttemptDone, Mailbox, RoundDone


class RoundAsker:
    """Asks `probes`, all at the same time; see `tick.Asker`."""

    def __init__(self, probes: Sequence[Probe], mailbox: Mailbox, clock: Clock) -> None:
        self._roll_call = RollCall(probes, clock)
        self._mailbox = mailbox

    def begin(self, number: int, attempts: Attempts) -> None:
        """Begin round `number`; AttemptDone and RoundDone will carry it."""
        mailbox = self._mailbox

        def attempt_done(service: str, attempt: int, reading: Reading) -> None:
            mailbox.put(AttemptDone(number, service, attempt, reading))

        def round_done(readings: tuple[Reading, ...]) -> None:
            mailbox.put(RoundDone(number, readings))

        self._roll_call.begin(attempts, attempt_done, round_done)

    def cancel(self) -> None:
        """Let go of the round that is under way."""
        self._roll_call.cancel()
