"""What has happened and when: any thread notes it, the story waits for it."""

from __future__ import annotations

import time
from enum import StrEnum
from threading import Condition

from mailwatch.core.deadline import Clock


class Turn(StrEnum):
    """The turns of the story."""

    WELL = "a round in which all services answer"
    HUNG = "the hang of the server"
    ASKED = "the round after the hang"
    OPENED = "the message that mail is down"
    RESTARTING = "the beginning of the restart"
    RESTARTED = "the end of the restart"
    RECOVERED = "the message that mail flows again"


class NoStory(Exception):
    """The story does not come about; `str()` is a sentence for a person."""


class Moments:
    """When each turn came first, on the steady clock."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._changed = Condition()
        self._first: dict[Turn, float] = {}
        self._over = False

    def note(self, turn: Turn) -> None:
        """Note that `turn` comes now."""
        with self._changed:
            self._first.setdefault(turn, self._clock())
            self._changed.notify_all()

    def came(self, turn: Turn, limit_s: float = 0) -> bool:
        """Whether `turn` has come, or does within `limit_s`.

        Raises KeyboardInterrupt as soon as all ends.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over or turn in self._first, limit_s)
            if self._over:
                raise KeyboardInterrupt
            return turn in self._first

    def wait(self, turn: Turn, limit_s: float) -> None:
        """Wait until `turn` has come, as `came` does; raises NoStory if it does not."""
        if not self.came(turn, limit_s):
            raise NoStory(
                f"{turn.capitalize()} did not come within {limit_s:g} s. This machine may be very"
                " busy: try again when it is not."
            )

    def between(self, one: Turn, other: Turn) -> float:
        """Return the seconds from `one` to `other`, which have both come."""
        return self._first[other] - self._first[one]

    def end(self) -> None:
        """Have nobody wait any longer."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
