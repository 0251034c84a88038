"""The one line that says how things stand, as `systemctl status` shows it."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.state import State


def line(
    readings: Sequence[Reading],
    state: State,
    *,
    paused: bool,
    next_at: float | None,
    trouble: Fact = NOTHING,
    listening: Fact = NOTHING,
) -> Fact:
    """Return the line for the last round's `readings`, which are empty before the first one.

    `next_at` (seconds since 1970) is None while a round is under way or none is planned.
    `trouble` is why the target could not be restarted, NOTHING where it could. `listening` says
    where a budget of offences is spent.
    """
    if not readings:
        return fact("status-first")
    verdicts = [reading.verdict for reading in readings]
    now = fact(
        "status-services",
        well=verdicts.count(Verdict.PASS),
        count=len(readings),
        unmeasured=verdicts.count(Verdict.UNMEASURED) or None,
    )
    if trouble:
        now = fact("status-unable", services=now, trouble=trouble)
    if listening:
        now = fact("status-listening", services=now, listening=listening)
    incident = state.incident
    if incident is not None:
        return fact(
            "status-incident",
            services=now,
            incident=incident.id,
            since_at=incident.since.wall,
            stage=state.stage.value,
        )
    if paused:
        now = fact("status-paused", services=now)
    if next_at is None:
        return now
    return fact("status-next", now=now, next_at=next_at)


def is_news(said: Fact, shown: Fact) -> bool:
    """Whether `said` tells more than `shown` before it: that a check has begun is not worth it."""
    return said != shown and said != shown.get("now")
