"""The readings of every round, and what each day came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from sqlite3 import Connection, Row

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.store import documents

WHOLE = ""
"""Stands for the whole conversation where otherwise a phase is named."""

_PHASES = tuple(Phase)

_COUNTS = {
    Verdict.PASS: (1, 0, 0),
    Verdict.FAIL: (0, 1, 0),
    Verdict.UNMEASURED: (0, 0, 1),
}


def day_of(wall: float) -> str:
    """Return the day (UTC) of `wall` as `2026-11-22`."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d")


def add(connection: Connection, readings: Sequence[Reading], wall: float) -> None:
    """Add the readings of one round that ended at `wall`, and count them into their day."""
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
            for reading in readings
        ],
    )
    day = day_of(wall)
    connection.executemany(
        """
        INSERT INTO summaries VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (day, service) DO UPDATE SET
            passes = passes + excluded.passes, failures = failures + excluded.failures,
            unmeasured = unmeasured + excluded.unmeasured
        """,
        [(day, reading.service, *_COUNTS[reading.verdict]) for reading in readings],
    )
    connection.executemany(
        """
        INSERT INTO summary_seconds VALUES (?, ?, ?, 1, ?, ?, ?)
        ON CONFLICT (day, service, phase) DO UPDATE SET
            count = count + 1, sum_s = sum_s + excluded.sum_s,
            min_s = min(min_s, excluded.min_s), max_s = max(max_s, excluded.max_s)
        """,
        [
            (day, service, phase, seconds, seconds, seconds)
            for service, phase, seconds in _times(readings)
        ],
    )


def _times(readings: Iterable[Reading]) -> Iterator[tuple[str, str, float]]:
    for reading in readings:
        if reading.verdict is Verdict.PASS:
            yield reading.service, WHOLE, reading.seconds
            for phase, seconds in reading.phases.items():
                yield reading.service, str(phase), seconds


def read(connection: Connection, service: str, since: float) -> list[tuple[float, Reading]]:
    """Return when each reading of `service` since `since` was recorded, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM readings WHERE service = ? AND at_wall >= ? ORDER BY id", (service, since)
    )
    return [(row["at_wall"], _reading(row)) for row in rows]


def last_round(connection: Connection) -> list[tuple[float, Reading]]:
    """Return the readings of the newest round, in the order of the configuration."""
    found: list[tuple[float, Reading]] = []
    for row in connection.execute("SELECT * FROM readings ORDER BY id DESC"):
        if found and row["at_wall"] != found[-1][0]:
            break
        found.append((row["at_wall"], _reading(row)))
    return found[::-1]


def _reading(row: Row) -> Reading:
    phases = {phase.value: row[f"{phase.value}_s"] for phase in Phase}
    return Reading(
        service=row["service"],
        verdict=Verdict(row["verdict"]),
        fault=None if row["fault"] is None else Fault(row["fault"]),
        detail=documents.load(Fact, row["detail"]) if row["detail"] else NOTHING,
        phases={phase: seconds for phase, seconds in phases.items() if seconds is not None},
        certificate_expires=row["certificate_expires"],
    )
