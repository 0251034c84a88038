"""What watches the loop and has no say in it: each is told of everything that happens."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.events import Action, RestartEnded
from mailwatch.core.model import Now, Reading, TargetState
from mailwatch.core.state import State


class Onlooker:
    """Hears of each step of the loop, on its thread, and so must be quick; it raises nothing.

    A subclass says what it does of these; the others do nothing.
    """

    def attempt(self, reading: Reading, number: int, retries: int, now: Now) -> None:
        """Hear of attempt `number` of `retries` to check one service, which failed."""

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Hear how a round ended, before it is decided what to do about it."""

    def looked(self, target: TargetState, now: Now) -> None:
        """Hear how the target of a restart was found."""

    def restarted(self, ended: RestartEnded, now: Now) -> None:
        """Hear what became of the call that restarts the target, before it is decided on."""

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        """Hear what was decided, which is committed, before it is acted on."""
