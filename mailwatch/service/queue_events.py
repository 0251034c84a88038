"""What threads and signals put into the one queue that the daemon's loop waits at."""

from __future__ import annotations

from dataclasses import dataclass
from queue import Queue

from mailwatch.core.evidence import Evidence
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Reading, TargetState
from mailwatch.core.state import Left


@dataclass(frozen=True, slots=True)
class AttemptDone:
    """One attempt to check one service has ended; `number` counts from 1."""

    round: int
    service: str
    number: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class RoundDone:
    """Every service of a round has its reading.

    `lost_s` (>= 0) is for how long the round was kept from its work: by a host that stood still,
    gave it no processor, or had stopped the process (see `net.engine.Engine.lost_s`).
    """

    round: int
    readings: tuple[Reading, ...]
    lost_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TargetInspected:
    """The restarter has looked at its target."""

    job: int
    target: TargetState


@dataclass(frozen=True, slots=True)
class RestartFinished:
    """The restart call is over; `error` says what went wrong, NOTHING where it succeeded.

    `intervened` is true where it was not restarted because somebody else was at work on it.
    `left` is what it is known to have left stopped.
    """

    job: int
    error: Fact = NOTHING
    intervened: bool = False
    left: Left | None = None


@dataclass(frozen=True, slots=True)
class EvidenceGathered:
    """A look around is over; `evidence` is what it found."""

    job: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class DeliveryFinished:
    """The notifier took a message, or `trouble` says why it did not."""

    job: int
    trouble: Fact = NOTHING
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """A signal arrived."""

    number: int


QueueEvent = (
    AttemptDone
    | RoundDone
    | TargetInspected
    | RestartFinished
    | EvidenceGathered
    | DeliveryFinished
    | SignalReceived
)

EventQueue = Queue[QueueEvent]
"""No SimpleQueue, whose get() can wait for ever in CPython before 3.13, whatever its timeout.

It does so where its thread loses the processor for longer than that in the wrong microsecond.
"""
