"""What each day came to, per service: read from the rows that history.add counts into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from mailwatch.core.model import Phase
from mailwatch.store.history import WHOLE, day_of


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took over a day, in seconds; `count` is >= 1."""

    count: int
    sum_s: float
    min_s: float
    max_s: float

    @property
    def mean_s(self) -> float:
        """The arithmetic mean."""
        return self.sum_s / self.count


@dataclass(frozen=True, slots=True)
class Summary:
    """One day (UTC, as `2026-11-22`) of one service.

    The seconds are those of the checks that passed: `seconds` of the whole conversation, None
    where none passed, and `phases` of each step that was reached.
    """

    day: str
    service: str
    passes: int
    failures: int
    unmeasured: int
    seconds: Spread | None
    phases: Mapping[Phase, Spread]

    @property
    def rounds(self) -> int:
        """In how many rounds the service was asked."""
        return self.passes + self.failures + self.unmeasured


def read(connection: Connection, since: float) -> list[Summary]:
    """Return the days from that of `since` on, ordered by day and service."""
    day = day_of(since)
    spreads: dict[tuple[str, str], dict[str, Spread]] = {}
    for row in connection.execute("SELECT * FROM summary_seconds WHERE day >= ?", (day,)):
        spread = Spread(row["count"], row["sum_s"], row["min_s"], row["max_s"])
        spreads.setdefault((row["day"], row["service"]), {})[row["phase"]] = spread
    summaries = []
    for row in connection.execute(
        "SELECT * FROM summaries WHERE day >= ? ORDER BY day, service", (day,)
    ):
        times = spreads.get((row["day"], row["service"]), {})
        summaries.append(
            Summary(
                day=row["day"],
                service=row["service"],
                passes=row["passes"],
                failures=row["failures"],
                unmeasured=row["unmeasured"],
                seconds=times.get(WHOLE),
                phases={phase: times[phase] for phase in Phase if phase in times},
            )
        )
    return summaries
