"""What a report tells of: the services' checks in equal spans of time, and the incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from mailwatch.core.evidence import Json
from mailwatch.core.model import Phase, Reading, Verdict
from mailwatch.core.state import Incident
from mailwatch.evidence import keeping
from mailwatch.store.views import Past, Summary, Views

HOUR_S = 3600.0
DAY_S = 86_400.0
HOURLY_UP_TO_S = 3 * DAY_S
"""A time so short is shown by the hour, a longer one by the day."""

MOST_INCIDENTS = 500


@dataclass(frozen=True, slots=True)
class Span:
    """One hour or day of one service; seconds are means over the checks that passed."""

    at: float
    """Its beginning, in seconds since 1970."""
    passes: int
    failures: int
    phases: Mapping[Phase, float]
    slowest_s: float | None

    @property
    def share(self) -> float | None:
        """The share of its checks that passed, 0 to 1; None where nothing was measured."""
        return availability([self])


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report is made from; moments are in seconds since 1970."""

    host: str
    since: float
    until: float
    span_s: float
    services: Mapping[str, tuple[Span, ...]]
    """The spans of each service, by its key."""
    incidents: tuple[Incident, ...]
    """The newest first."""
    evidence: Mapping[str, Mapping[str, Mapping[str, Json] | None]] = field(default_factory=dict)
    """By the incident's id, what keeping.load() has found."""

    @property
    def down_s(self) -> float:
        """For how many seconds an incident was open."""
        spans = (
            (max(one.since.wall, self.since), one.closed.wall if one.closed else self.until)
            for one in self.incidents
        )
        return sum(max(0.0, end - begin) for begin, end in spans)


def availability(spans: Iterable[Span]) -> float | None:
    """Return the share of the checks that passed, 0 to 1; None where nothing was measured."""
    counts = [(span.passes, span.passes + span.failures) for span in spans]
    measured = sum(count for _, count in counts)
    return sum(passes for passes, _ in counts) / measured if measured else None


def collect(directory: Path, host: str, since: float, until: float) -> Material:
    """Return what the state directory tells of `since` to `until`; raises StoreError."""
    views = Views(directory)
    summaries = views.summaries(since)
    keys = sorted({one.service for one in summaries})
    hourly = until - since <= HOURLY_UP_TO_S
    if hourly:
        services = {key: _hours(views, key, since) for key in keys}
    else:
        services = {
            key: tuple(_day(one) for one in summaries if one.service == key) for key in keys
        }
    incidents = tuple(
        one
        for one in views.incidents(MOST_INCIDENTS)
        if one.since.wall < until and (one.closed is None or one.closed.wall >= since)
    )
    evidence = {one.id: keeping.load(directory, one.id) for one in incidents}
    span_s = HOUR_S if hourly else DAY_S
    return Material(host, since, until, span_s, services, incidents, evidence)


def _day(summary: Summary) -> Span:
    return Span(
        at=datetime.strptime(summary.day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp(),
        passes=summary.passes,
        failures=summary.failures,
        phases=summary.phases,
        slowest_s=summary.slowest_s,
    )


def _hours(views: Views, key: str, since: float) -> tuple[Span, ...]:
    def hour(one: Past) -> float:
        return one.at // HOUR_S * HOUR_S

    readings = sorted(views.readings(key, since), key=hour)  # a clock may have been set back
    hours = groupby(readings, hour)
    return tuple(_hour(at, [one.reading for one in them]) for at, them in hours)


def _hour(at: float, readings: list[Reading]) -> Span:
    passed = [reading for reading in readings if reading.verdict is Verdict.PASS]
    times = {phase: [one.phases[phase] for one in passed if phase in one.phases] for phase in Phase}
    return Span(
        at,
        passes=len(passed),
        failures=sum(reading.verdict is Verdict.FAIL for reading in readings),
        phases={phase: sum(values) / len(values) for phase, values in times.items() if values},
        slowest_s=max((reading.seconds for reading in passed), default=None),
    )
