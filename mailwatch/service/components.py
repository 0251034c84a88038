"""What the engine works with: all but the store is exchanged when the configuration is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailwatch.core.facts import Fact
from mailwatch.core.model import Now, Reading
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.state import Incident
from mailwatch.core.wording import Installation
from mailwatch.host.job import Job
from mailwatch.probes.guest import Guest
from mailwatch.service.delivery import Delivery
from mailwatch.service.onlooker import Onlooker
from mailwatch.service.recovery import Recovery
from mailwatch.store.base import Store


class Prober(Protocol):
    """Asks every service once, all at the same time; AttemptDone and RoundDone tell the outcome."""

    def begin(self, number: int, attempts: Attempts) -> None:
        """Begin round `number`; the one before it is over or was cancelled."""
        ...

    def forget(self) -> None:
        """Let no reading of before stand for the next round's: the target was restarted."""
        ...

    def cancel(self) -> None:
        """Let go of the round that is under way; what it still tells is ignored."""
        ...


class Examination(Protocol):
    """Gathers evidence of why services fail; a Job in the queue tells the outcome."""

    def look(
        self, failing: tuple[Reading, ...], now: Now, incident: Incident | None
    ) -> float | None:
        """Begin to gather, and return until when (steady) to wait; None where nothing can be.

        `incident` is the open one, None where it is for one that may open.
        """
        ...

    def take(self, job: Job[Any]) -> frozenset[int] | None:
        """Take the evidence, and return the ports behind which it shows a listener.

        None for another's job, and for one that came too late for its round.
        """
        ...

    def cause(self, found: tuple[Reading, ...], seen_as: str) -> Fact:
        """Return the likely cause, judged with the readings of the whole round.

        `seen_as` is the address that the target sees us as, empty where it is not known.
        """
        ...


@dataclass(frozen=True, slots=True)
class Components:
    """What the engine works with; all but the store can be exchanged by a reload."""

    policy: Policy
    installation: Installation
    prober: Prober
    recovery: Recovery
    examination: Examination
    delivery: Delivery
    onlookers: tuple[Onlooker, ...]
    """Told in this order."""
    store: Store
    before_restart: Callable[[float], None]
    """Told the seconds that a restart may take, before it begins."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """A digest for each service of how the prober asks it."""
    synchronised: Callable[[], bool | None] = lambda: True
    """Returns whether the wall clock is, None where that cannot be learnt."""
    guest: Guest = field(default_factory=Guest)
    """What the servers may hold against us, and how fast they are asked."""
