"""What a report tells of: the services' checks in equal spans of time, and the incidents."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mailwatch.core.evidence import Json
from mailwatch.core.model import Phase, Verdict
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
    """One hour or day of one service; the phases are means over the checks that passed."""

    at: float
    """Its beginning, in seconds since 1970."""
    up_s: float
    """For how long the service passed, as far as is known."""
    down_s: float
    """For how long it failed."""
    phases: Mapping[Phase, float]
    slowest_s: float | None

    @property
    def share(self) -> float | None:
        """The share of the time in which it passed, 0 to 1; None where nothing was measured."""
        return availability([self])


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report is made from; moments are in seconds since 1970."""

    host: str
    since: float
    """When it begins: not before anything is known."""
    until: float
    span_s: float
    services: Mapping[str, tuple[Span, ...]]
    """The spans of each service, by its key."""
    incidents: tuple[Incident, ...]
    """The newest first."""
    evidence: Mapping[str, Mapping[str, Mapping[str, Json] | None]] = field(default_factory=dict)
    """By the incident's id, what keeping.load() has found."""

    @property
    def begin(self) -> float:
        """Where the first span begins: a drawing shows whole ones."""
        return self.since // self.span_s * self.span_s

    @property
    def end(self) -> float:
        """Where the last of the spans ends, which may still be under way."""
        spans = (of_one[-1].at + self.span_s for of_one in self.services.values() if of_one)
        return max([self.until, *spans])

    @property
    def down_s(self) -> float:
        """For how many seconds an incident was open."""
        return sum(_overlap(one, self.since, self.until) for one in self.incidents)


def availability(spans: Iterable[Span]) -> float | None:
    """Return the share of the time with a pass, 0 to 1; None where nothing was measured.

    Checks are not counted: while something fails they are many times as frequent.
    """
    times = [(span.up_s, span.up_s + span.down_s) for span in spans]
    measured_s = sum(one for _, one in times)
    return sum(up_s for up_s, _ in times) / measured_s if measured_s else None


def collect(
    directory: Path, host: str, since: float, until: float, longest_gap_s: float = DAY_S
) -> Material:
    """Return what the state directory tells of `since` to `until`; raises StoreError.

    What a check has found holds until the next one, but for no longer than `longest_gap_s`.
    """
    views = Views(directory)
    summaries = [
        one for one in views.summaries(since) if one.passes + one.failures + one.unmeasured
    ]
    keys = sorted({one.service for one in summaries})
    past = {
        key: _Past(sorted(views.readings(key, since), key=lambda one: one.at), until, longest_gap_s)
        for key in keys
    }
    incidents = tuple(
        one
        for one in views.incidents(MOST_INCIDENTS)
        if one.since.wall < until and (one.closed is None or one.closed.wall >= since)
    )
    since = max(since, min(until, _first(summaries, past)))
    hourly = until - since <= HOURLY_UP_TO_S
    span_s = HOUR_S if hourly else DAY_S
    if hourly:
        services = {key: past[key].hours() for key in keys}
    else:
        services = {
            key: tuple(
                _day(one, past[key], incidents, since, until)
                for one in summaries
                if one.service == key
            )
            for key in keys
        }
    evidence = {one.id: keeping.load(directory, one.id) for one in incidents}
    return Material(host, since, until, span_s, services, incidents, evidence)


class _Past:
    """The readings of one service, the oldest first, and for how long each of them held."""

    def __init__(self, readings: Sequence[Past], until: float, longest_gap_s: float) -> None:
        self.moments = [one.at for one in readings]
        self._readings = [one.reading for one in readings]
        ends = [*self.moments[1:], until]
        self._ends = (
            [min(end, at + longest_gap_s) for at, end in zip(self.moments, ends, strict=True)]
            if readings
            else []
        )

    def of_day(self, day: Summary) -> Sequence[float]:
        """Return the moments of that day, none unless all of its readings are still there."""
        at = _begin(day)
        first, last = bisect_left(self.moments, at), bisect_left(self.moments, at + DAY_S)
        whole = last - first == day.passes + day.failures + day.unmeasured
        return self.moments[first:last] if whole else ()

    def between(self, begin: float, end: float) -> Span:
        """Return the span from `begin` to `end`."""
        first, last = bisect_left(self.moments, begin), bisect_left(self.moments, end)
        held = {Verdict.PASS: 0.0, Verdict.FAIL: 0.0, Verdict.UNMEASURED: 0.0}
        # The one before may hold into it.
        for index in range(max(first - 1, 0), last):
            lasted_s = min(self._ends[index], end) - max(self.moments[index], begin)
            held[self._readings[index].verdict] += max(0.0, lasted_s)
        passed = [one for one in self._readings[first:last] if one.verdict is Verdict.PASS]
        times = {
            phase: [one.phases[phase] for one in passed if phase in one.phases] for phase in Phase
        }
        return Span(
            begin,
            held[Verdict.PASS],
            held[Verdict.FAIL],
            phases={phase: sum(them) / len(them) for phase, them in times.items() if them},
            slowest_s=max((one.seconds for one in passed), default=None),
        )

    def hours(self) -> tuple[Span, ...]:
        """Return each hour in which there is one."""
        begins = sorted({at // HOUR_S * HOUR_S for at in self.moments})
        return tuple(self.between(at, at + HOUR_S) for at in begins)


def _first(summaries: Iterable[Summary], past: Mapping[str, _Past]) -> float:
    """Return the first moment of which anything is known, 0 where nothing is."""
    begins = []
    for one in summaries:
        of_day = past[one.service].of_day(one)
        begins.append(of_day[0] if of_day else _begin(one))
    return min(begins, default=0.0)


def _begin(summary: Summary) -> float:
    return datetime.strptime(summary.day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()


def _day(
    summary: Summary, past: _Past, incidents: Sequence[Incident], since: float, until: float
) -> Span:
    """Return the day: by its readings where all are still there, by the incidents where not."""
    at = _begin(summary)
    end = min(at + DAY_S, until)
    checks = summary.passes + summary.failures
    if past.of_day(summary):
        exact = past.between(at, at + DAY_S)
        up_s, down_s = exact.up_s, exact.down_s
    else:
        measured_s = max(0.0, end - max(at, since)) if checks else 0.0
        own = [one for one in incidents if summary.service in one.services]
        down_s = min(measured_s, sum(_overlap(one, at, end) for one in own))
        if not summary.passes:
            down_s = measured_s
        elif summary.failures and not down_s:
            down_s = measured_s * summary.failures / checks
        up_s = measured_s - down_s
    return Span(at, up_s, down_s, summary.phases, summary.slowest_s)


def _overlap(incident: Incident, begin: float, end: float) -> float:
    """Return for how many seconds between `begin` and `end` the incident was open."""
    closed = incident.closed.wall if incident.closed else end
    return max(0.0, min(closed, end) - max(incident.since.wall, begin))
