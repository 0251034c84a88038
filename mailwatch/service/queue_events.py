"""What threads and signals put into the one queue that the daemon's loop waits at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Queue
from typing import Any

from mailwatch.core.model import Reading
from mailwatch.host.job import Job


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
class SignalReceived:
    """A signal arrived."""

    number: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of `user` (a user id) has come through the control socket."""

    verb: str
    question: Mapping[str, Any]
    user: int
    reply: Callable[[Mapping[str, Any]], None]


QueueEvent = AttemptDone | RoundDone | SignalReceived | Asked | Job[Any]
"""A Job is its own event: it is over, and whoever has begun it takes its answer."""

EventQueue = Queue[QueueEvent]
"""No SimpleQueue, whose get() can wait for ever in CPython before 3.13, whatever its timeout.

It does so where its thread loses the processor for longer than that in the wrong microsecond.
"""
