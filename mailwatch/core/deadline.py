"""A deadline: one absolute moment by which a whole conversation must be over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Returns seconds on a clock that never jumps, such as time.monotonic."""


class DeadlineExpired(TimeoutError):
    """The time for the whole conversation has run out."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """An absolute moment on a steady clock, asked before every wait.

    A peer that drips one byte a second cannot stretch it, as it would stretch a timeout that
    starts anew with each read.
    """

    at: float
    clock: Clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """Return the deadline `seconds` (>= 0) from now on `clock`."""
        return cls(clock() + seconds, clock)

    def sooner(self, seconds: float) -> Deadline:
        """Return the earlier of this deadline and `seconds` (>= 0) from now."""
        return Deadline(min(self.at, self.clock() + seconds), self.clock)

    def remaining(self) -> float:
        """Return the seconds that are left, always more than 0.

        Raises DeadlineExpired when none are left.
        """
        left = self.at - self.clock()
        if left <= 0:
            raise DeadlineExpired("the time for this has run out")
        return left

    @property
    def expired(self) -> bool:
        """Whether no time is left."""
        return self.at <= self.clock()
