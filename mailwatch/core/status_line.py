"""The one line that says how things stand, as `systemctl status` shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailwatch.core.model import Reading, Verdict
from mailwatch.core.state import State
from mailwatch.core.text import duration

_NEXT = "; next check in "


def line(
    readings: Sequence[Reading],
    state: State,
    clock_text: Callable[[float], str],
    *,
    paused: bool,
    next_in_s: float | None,
) -> str:
    """Return the line for the last round's `readings`, which are empty before the first one.

    `next_in_s` is None while a round is under way or none is planned.
    """
    if not readings:
        return "the first check is under way"
    well = sum(reading.verdict is Verdict.PASS for reading in readings)
    said = f"{well} of {len(readings)} services answer"
    blind = sum(reading.verdict is Verdict.UNMEASURED for reading in readings)
    if blind:
        said += f", {blind} could not be looked at"
    incident = state.incident
    if incident is not None:
        since = clock_text(incident.since.wall)
        return f"{said}; incident {incident.id} since {since}, {state.stage}"
    if paused:
        said += "; paused"
    if next_in_s is None:
        return said
    return f"{said}{_NEXT}{duration(max(0.0, round(next_in_s)))}"


def is_news(said: str, shown: str) -> bool:
    """Whether `said` tells more than `shown` before it: that a check has begun is not worth it."""
    return said != shown and not shown.startswith(f"{said}{_NEXT}")
