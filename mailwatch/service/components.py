"""What the engine works with: all but the store is exchanged when the configuration is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.wording import Installation
from mailwatch.service.delivery import Delivery
from mailwatch.service.event_log import EventLog
from mailwatch.service.forensics import Forensics
from mailwatch.service.recovery import Target
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
        """Let go of the round that is under way; what it still reports is ignored."""
        ...


@dataclass(frozen=True, slots=True)
class Components:
    """What the engine works with; all but the store can be exchanged by a reload."""

    policy: Policy
    installation: Installation
    prober: Prober
    target: Target
    delivery: Delivery
    event_log: EventLog
    store: Store
    before_restart: Callable[[float], None]
    """Told the seconds that a restart may take, before it begins."""
    forensics: Forensics | None = None
    """Writes down what is to be seen before a restart destroys it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """A digest for each service of how the prober asks it."""
