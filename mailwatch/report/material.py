"""What a report tells of: the services' checks in equal spans of time, and the incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from mailwatch.core.evidence import Json
from mailwatch.core.model import Phase, Verdict
from mailwatch.core.state import Incident
from mailwatch.evidence import keeping
from mailwatch.store.views import Past, Summary, Views

HOUR_S = 3600.0
DAY_S = 86_400.0
HOURLY_UP_TO_S = 3 * DAY_S
"""A span so short is shown by the hour, a longer one by the day."""

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


@dataclass(frozen=True, slots=True)
class Service:
    """One service over the whole time of the report."""

    key: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report is made from; moments are in seconds since 1970."""

    host: str
    since: float
    until: float
    span_s: float
    services: tuple[Service, ...]
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
    passes = failures = 0
    for span in spans:
        passes += span.passes
        failures += span.failures
    return passes / (passes + failures) if passes + failures else None


def collect(directory: Path, host: str, since: float, until: float) -> Material:
    """Return what the state directory tells of `since` to `until`; raises StoreError."""
    views = Views(directory)
    summaries = views.summaries(since)
    keys = list(dict.fromkeys(one.service for one in sorted(summaries, key=lambda s: s.service)))
    hourly = until - since <= HOURLY_UP_TO_S

    def spans(key: str) -> tuple[Span, ...]:
        if hourly:
            return _hours(views.readings(key, since))
        return tuple(_day(one) for one in summaries if one.service == key)

    incidents = tuple(
        one
        for one in views.incidents(MOST_INCIDENTS)
        if one.since.wall < until and (one.closed is None or one.closed.wall >= since)
    )
    return Material(
        host,
        since,
        until,
        HOUR_S if hourly else DAY_S,
        tuple(Service(key, spans(key)) for key in keys),
        incidents,
        {one.id: keeping.load(directory, one.id) for one in incidents},
    )


def _day(summary: Summary) -> Span:
    at = datetime.strptime(summary.day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    return Span(
        at,
        summary.passes,
        summary.failures,
        summary.phases,
        summary.slowest_s,
    )


def _hours(readings: Sequence[Past]) -> tuple[Span, ...]:
    def hour(one: Past) -> float:
        return one.at // HOUR_S * HOUR_S

    return tuple(_hour(at, list(them)) for at, them in groupby(sorted(readings, key=hour), hour))


def _hour(at: float, readings: Sequence[Past]) -> Span:
    passed = [one.reading for one in readings if one.reading.verdict is Verdict.PASS]
    times = {
        phase: [reading.phases[phase] for reading in passed if phase in reading.phases]
        for phase in Phase
    }
    return Span(
        at,
        len(passed),
        sum(one.reading.verdict is Verdict.FAIL for one in readings),
        {phase: sum(values) / len(values) for phase, values in times.items() if values},
        max((reading.seconds for reading in passed), default=None),
    )
