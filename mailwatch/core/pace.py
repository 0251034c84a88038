"""How fast one server is connected to: servers turn away who connects too often in a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WINDOW_S = 1.0
_MARGIN_S = 0.05
"""A connection may reach its server that much sooner after its turn than the one before."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The turns (steady moments) that each server's connections were given, the last ones last."""

    turns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def book(self, server: str, now: float, at_most: int) -> tuple[Pace, float]:
        """Return it with one more turn, and when that is: now, or later.

        No second has more than `at_most` turns (>= 1) of one server; 0 for any number of them.
        """
        if not at_most:
            return self, now
        booked = self.turns.get(server, ())[-at_most:]
        turn = now
        if len(booked) == at_most:
            turn = max(now, booked[0] + WINDOW_S + _MARGIN_S)
        return Pace({**self.turns, server: (*booked, turn)[-at_most:]}), turn
