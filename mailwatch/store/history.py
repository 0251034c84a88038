"""The readings of every round, and what each day came to for each service."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection, Row

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Fault, Now, Phase, Reading, Verdict
from mailwatch.store import documents

QUIET_S = 420.0
"""How long rounds may wait to be written in a quiet time, in which all pass as before."""

WHOLE = ""
"""Stands for the whole conversation where otherwise a phase is named."""

_PHASES = tuple(Phase)

_COUNTED = (Verdict.PASS, Verdict.FAIL, Verdict.UNMEASURED)


@dataclass(frozen=True, slots=True)
class Past:
    """A reading, and when its round ended in seconds since 1970."""

    at: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Summary:
    """One day (UTC, as `2026-11-22`) of one service; the seconds are those of its passes."""

    day: str
    service: str
    passes: int
    failures: int
    unmeasured: int
    phases: Mapping[Phase, float]
    """The mean of each step of the conversation that was reached."""
    slowest_s: float | None
    """The longest of the whole conversation, None where none passed."""


def day_of(wall: float) -> str:
    """Return the day (UTC) of `wall` as `2026-11-22`."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d")


def add(connection: Connection, rounds: Collection[tuple[Sequence[Reading], Now]]) -> None:
    """Add the readings of `rounds`, each with its end, and count them into their day.

    A commit that was said to have failed may have succeeded: no round counts twice.
    """
    moments = [now for _, now in rounds]
    if not moments:
        return
    last = documents.get(connection, documents.ROUND, Now)
    new = list(rounds)[moments.index(last) + 1 if last in moments else 0 :]
    documents.put(connection, documents.ROUND, moments[-1])
    found = [(now.wall, day_of(now.wall), one) for readings, now in new for one in readings]
    connection.executemany(
        """
        INSERT INTO readings (
            at_wall, service, verdict, fault, detail, certificate_expires,
            resolve_s, connect_s, tls_s, greeting_s, dialogue_s, submit_s, arrive_s
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (
                wall,
                reading.service,
                reading.verdict.value,
                None if reading.fault is None else reading.fault.value,
                documents.dump(reading.detail) if reading.detail else "",
                reading.certificate_expires,
                *map(reading.phases.get, _PHASES),
            )
            for wall, _, reading in found
        ],
    )
    connection.executemany(
        """
        INSERT INTO summaries VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (day, service) DO UPDATE SET
            passes = passes + excluded.passes, failures = failures + excluded.failures,
            unmeasured = unmeasured + excluded.unmeasured
        """,
        [
            (day, reading.service, *(reading.verdict is counted for counted in _COUNTED))
            for _, day, reading in found
        ],
    )
    connection.executemany(
        """
        INSERT INTO summary_seconds VALUES (?, ?, ?, 1, ?, ?, ?)
        ON CONFLICT (day, service, phase) DO UPDATE SET
            count = count + 1, sum_s = sum_s + excluded.sum_s,
            min_s = min(min_s, excluded.min_s), max_s = max(max_s, excluded.max_s)
        """,
        [
            (day, reading.service, phase, seconds, seconds, seconds)
            for _, day, reading in found
            if reading.verdict is Verdict.PASS
            for phase, seconds in {WHOLE: reading.seconds, **reading.phases}.items()
        ],
    )


def read(connection: Connection, service: str, since: float) -> list[Past]:
    """Return the readings of `service` since `since`, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM readings WHERE service = ? AND at_wall >= ? ORDER BY id", (service, since)
    )
    return [_past(row) for row in rows]


def _past(row: Row) -> Past:
    phases = {phase.value: row[f"{phase.value}_s"] for phase in Phase}
    reading = Reading(
        service=row["service"],
        verdict=Verdict(row["verdict"]),
        fault=None if row["fault"] is None else Fault(row["fault"]),
        detail=documents.load(Fact, row["detail"]) if row["detail"] else NOTHING,
        phases={phase: seconds for phase, seconds in phases.items() if seconds is not None},
        certificate_expires=row["certificate_expires"],
    )
    return Past(row["at_wall"], reading)


def summaries(connection: Connection, since: float) -> list[Summary]:
    """Return the days from that of `since` on, ordered by day and service."""
    first = (day_of(since),)
    phases: dict[tuple[str, str], dict[Phase, float]] = {}
    slowest: dict[tuple[str, str], float] = {}
    rows = connection.execute("SELECT * FROM summary_seconds WHERE day >= ?", first)
    for day, service, phase, count, sum_s, _, max_s in rows:
        if phase == WHOLE:
            slowest[day, service] = max_s
        else:
            phases.setdefault((day, service), {})[Phase(phase)] = sum_s / count
    rows = connection.execute("SELECT * FROM summaries WHERE day >= ? ORDER BY day, service", first)
    found = []
    for day, service, passes, failures, unmeasured in rows:
        means, slowest_s = phases.get((day, service), {}), slowest.get((day, service))
        found.append(Summary(day, service, passes, failures, unmeasured, means, slowest_s))
    return found
