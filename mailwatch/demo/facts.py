"""What has happened and when: threads note it, the story waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from threading import Condition


class Turn(StrEnum):
    """The turns of the story."""

    WELL = "a round ended in which all services answered"
    HUNG = "the server was hung"
    OPENED = "the message that opens the incident arrived"
    RESTARTING = "the restart began"
    RESTARTED = "the restart was over"
    RECOVERED = "the message that closes the incident arrived"
    ESCALATED = "a person was called"


class Over(Exception):
    """The demo is being ended from outside; there is nothing left to wait for."""


class NoStory(Exception):
    """The story did not come about; `str()` is a sentence for a person."""


class Facts:
    """Every turn with its moments, on the steady clock; any thread may use it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._moments: dict[Turn, list[float]] = {turn: [] for turn in Turn}
        self._over = False

    def note(self, turn: Turn, at: float | None = None) -> None:
        """Note that `turn` happened, at `at` or now."""
        with self._changed:
            self._moments[turn].append(time.monotonic() if at is None else at)
            self._changed.notify_all()

    def of(self, turn: Turn) -> tuple[float, ...]:
        """Return the moments at which `turn` happened."""
        with self._changed:
            return tuple(self._moments[turn])

    def first(self, turn: Turn) -> float:
        """Return when `turn` happened first; raises IndexError if it has not."""
        return self.of(turn)[0]

    def wait(self, turn: Turn, count: int, limit_s: float, otherwise: str) -> None:
        """Wait until `turn` has happened `count` times; raises NoStory(otherwise) or Over."""
        with self._changed:
            happened = self._changed.wait_for(
                lambda: self._over or len(self._moments[turn]) >= count, limit_s
            )
            if self._over:
                raise Over
            if not happened:
                raise NoStory(otherwise)

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raises Over as soon as the demo ends."""
        with self._changed:
            if self._changed.wait_for(lambda: self._over, seconds):
                raise Over

    def end(self) -> None:
        """Have nobody wait any longer."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def unless_over(self, act: Callable[[], None]) -> None:
        """Do `act` unless the demo is being ended already."""
        with self._changed:
            if not self._over:
                act()
