"""When to gather evidence once more: what was seen before an order of ours is not true after it."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.investigation import LOOK_GRACE_S
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.state import Stage, State

_ENDED = frozenset({Condition.CRASHED, Condition.OOM_KILLED, Condition.ENDED})
"""How a target is found that has ended by itself, or for all that is known."""


STARTED_S = 30.0
"""How long somebody else's start is given to show what became of it."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the newest evidence of the open incident was gathered after."""

    orders: int = 0
    """How many restarts of ours."""
    ended_at: float | None = None
    """The target's end, None while it ran."""
    started_at: float | None = None
    """The target's start, None where nobody knows."""
    failing: frozenset[str] = frozenset()
    """The services that failed then, or at an earlier look of the incident; empty for unknown."""

    @classmethod
    def of(
        cls,
        state: State,
        target: TargetState | None,
        failing: frozenset[str] = frozenset(),
        before: Occasion | None = None,
    ) -> Occasion:
        """Return the occasion of evidence that is gathered now, while `failing` fail."""
        orders = 0 if state.incident is None else len(state.incident.attempts)
        if state.incident is not None and before is not None:
            failing |= before.failing
        started_at = None if target is None else target.started_at
        return cls(orders, _end_of(target), started_at, failing)


def calls_for_a_look(
    before: Occasion,
    state: State,
    target: TargetState | None,
    now: Now,
    failing: frozenset[str] = frozenset(),
) -> bool:
    """Whether a failed round needs evidence of its own; `target` is None before it was looked at.

    That is where it may open an incident, where it shows that a restart was in vain, and where
    the target has ended since, or been started by somebody. A restart gets all its time first.
    What explained why one service fails does not explain others that join it.
    """
    if state.incident is None or (before.failing and failing - before.failing):
        return True
    is_early = state.stage is Stage.VERIFYING and (
        state.due is not None and now.steady + LOOK_GRACE_S < state.due
    )
    seen = Occasion.of(state, target)
    if seen.orders != before.orders and not is_early:
        return True
    if seen.started_at not in (None, before.started_at) and not is_early:
        return now.wall - (seen.started_at or 0) >= STARTED_S
    return seen.ended_at is not None and seen.ended_at != before.ended_at


def _end_of(target: TargetState | None) -> float | None:
    if target is None or target.condition not in _ENDED:
        return None
    return target.finished_at
