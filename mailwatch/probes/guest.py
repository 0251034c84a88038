"""We are a guest: how often and how fast this process may ask each server, and how carefully."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from mailwatch.core.deadline import Clock
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.offences import AGAIN_S, Manner, OffenceBudget, server_of
from mailwatch.core.pace import Pace
from mailwatch.core.policy import Policy
from mailwatch.host.clocks import read_clocks
from mailwatch.net.engine import Steps, Wait
from mailwatch.probes.catalogue import PACED, PROBES
from mailwatch.probes.settings import ServiceSettings, digest


class Guest:
    """Asked before each attempt, and told how it went; by the engine's thread and the loop's."""

    def __init__(self, policy: Policy | None = None, clocks: Callable[[], Now] = read_clocks):
        self._lock = threading.Lock()
        self._clocks = clocks
        self._policy = policy or Policy()
        self._budget, self._pace = OffenceBudget(), Pace()
        self._unproven: Collection[str] = ()
        self._again_at: dict[str, float] = {}
        """When (steady) each way may be tried once more that gave too much offence."""

    @property
    def policy(self) -> Policy:
        """The numbers that it goes by."""
        return self._policy

    def now(self) -> Now:
        """Return the moment by which it judges."""
        return self._clocks()

    @property
    def budget(self) -> OffenceBudget:
        """What was drawn on it so far, to be kept."""
        return self._budget

    def begin(self, budget: OffenceBudget) -> None:
        """Go on with the `budget` that the process before has left."""
        self._budget = budget

    def reconfigure(self, policy: Policy, unproven: Collection[str]) -> None:
        """Go by the numbers of `policy`; `unproven` are the keys that have never passed so."""
        self._policy, self._unproven = policy, frozenset(unproven)

    def take(self, budget: OffenceBudget, before: OffenceBudget) -> None:
        """Replace the budget `before` by `budget`, unless more was drawn on it meanwhile."""
        with self._lock:
            if self._budget is before:
                self._budget = budget

    def manner(self, settings: ServiceSettings) -> Manner:
        """Return how the next attempt at a service is to be made."""
        policy, proven = self._policy, settings.key not in self._unproven
        server, way, now = server_of(settings.host), digest(settings), self._clocks()
        with self._lock:
            again = self._again_at.setdefault(way, now.steady + AGAIN_S) <= now.steady
            return self._budget.manner(
                server, way, now, policy.offences_per_day, proven=proven, again=again
            )

    def forget(self) -> None:
        """Let each way be tried once more: the server is new."""
        with self._lock:
            self._again_at = dict.fromkeys(self._again_at, float("-inf"))

    def settle(self, settings: ServiceSettings, reading: Reading) -> None:
        """Take note of what an attempt has shown, and may have cost."""
        server, way, now = server_of(settings.host), digest(settings), self._clocks()
        with self._lock:
            if reading.verdict is Verdict.PASS and not reading.remembered:
                self._unproven = frozenset(self._unproven) - {settings.key}
                self._budget = self._budget.absolve(server, way)
            elif reading.offence and not reading.remembered:
                self._budget = self._budget.charge(server, reading.offence, way, now)
                self._again_at[way] = now.steady + AGAIN_S

    def turn(self, settings: ServiceSettings, clock: Clock) -> Steps[None]:
        """Wait until one more connection to the server is no haste."""
        if not PROBES.can(settings.probe, PACED):
            return
        now, server = clock(), server_of(settings.host)
        with self._lock:
            self._pace, turn = self._pace.book(server, now, self._policy.smtp_per_second)
        if turn > now:
            yield Wait(turn)
