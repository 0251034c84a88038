"""Waiting for something to become true, never for an amount of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 5
"""How much slower than a machine that does nothing else the one of the tests may be."""


class NeverHappened(AssertionError):
    """What a test waited for did not come in time; the text says what, and what was seen last."""


def wait_until(condition: Callable[[], T], timeout_s: float, what: str) -> T:
    """Return the first true result of `condition`.

    `timeout_s` is what it takes at most on an idle machine. Raises NeverHappened after PATIENCE
    times that, for to wait longer for what does come costs nothing.
    """
    end = time.monotonic() + timeout_s * PATIENCE
    while True:
        # Read before the last look: this process may stand still between the two.
        is_late = time.monotonic() > end
        if result := condition():
            return result
        if is_late:
            raise NeverHappened(
                f"{what}: not within {timeout_s * PATIENCE:g} s (last seen: {result!r})"
            )
        time.sleep(0.05)
