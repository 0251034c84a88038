"""Step 12 of the tables: rows of many columns, and sentences, become documents of facts.

It spells out what it writes, for the file that it leaves stays as it is whatever the values of
the core become: their codec ignores what it does not know, and fills in what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from sqlite3 import Connection, Row
from typing import Any

_CHANNEL = "gotify"
"""All that there was."""

_SEVERITIES = {
    "escalated": "critical",
    "reminder": "urgent",
    "opened": "warning",
    "held": "warning",
}


def to_documents(connection: Connection) -> None:
    """Fill the new tables from the old ones; raises ValueError where a row makes no sense."""
    before, connection.row_factory = connection.row_factory, Row
    try:
        _fill(connection)
    finally:
        connection.row_factory = before


def _fill(connection: Connection) -> None:
    for row in connection.execute("SELECT * FROM old_incidents ORDER BY number"):
        attempts = connection.execute(
            "SELECT * FROM old_attempts WHERE incident = ? ORDER BY number", (row["id"],)
        )
        connection.execute(
            "INSERT INTO incidents VALUES (?, ?, ?, ?)",
            (row["number"], row["id"], row["closed_wall"], _dump(_incident(row, attempts))),
        )
    for row in connection.execute("SELECT * FROM old_outbox ORDER BY id"):
        entry = _dump(_entry(row))
        connection.execute(
            "INSERT INTO outbox VALUES (?, ?, NULL, ?)", (row["id"], _CHANNEL, entry)
        )
    documents: dict[str, Any] = {"notes": _notes(connection)}
    for row in connection.execute("SELECT * FROM machine"):
        documents["machine"] = {"state": _state(row), "incident": row["incident"]}
    for row in connection.execute("SELECT * FROM clock"):
        documents["written"] = {"id": row["boot"], "at": _moment(row)}
        if row["round_wall"] is not None:
            documents["round"] = _moment(row, "round_")
    for row in connection.execute("SELECT * FROM pause"):
        documents["pause"] = {"id": row["boot"], "at": _moment(row, "until_")}
    connection.executemany(
        "INSERT INTO documents VALUES (?, ?)",
        [(name, _dump(value)) for name, value in documents.items()],
    )


def _incident(row: Row, attempts: Iterable[Row]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "since": _moment(row, "since_"),
        "opened": _moment(row, "opened_"),
        "failures": _failures(row["failures"]),
        "first_failures": _failures(row["first_failures"]),
        "target": _words(row["target"]),
        "cause": row["cause"],
        "attempts": [_attempt(attempt) for attempt in attempts],
        "hold": None if row["hold_reason"] is None else _hold(row),
        "held_told": bool(row["held_told"]),
        "opened_told": bool(row["opened_told"]),
        "escalated": _moment(row, "escalated_"),
        "reminded": _moment(row, "reminded_"),
        "closed": _moment(row, "closed_"),
    }


def _failures(text: str) -> list[dict[str, Any]]:
    return [
        {"service": service, "fault": fault, "detail": _words(detail), "mask": mask}
        for service, fault, detail, mask in json.loads(text)
    ]


def _attempt(row: Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "begun": _moment(row, "begun_"),
        "started_at": row["started_at"],
        "outcome": row["outcome"],
        "detail": _words(row["detail"]),
        "ended": _moment(row, "ended_"),
    }


def _hold(row: Row) -> dict[str, Any]:
    return {
        "reason": row["hold_reason"],
        "target": _words(row["hold_target"]),
        "until": row["hold_until"],
        "seen_as": row["hold_seen_as"],
        "services": json.loads(row["hold_services"]),
    }


def _state(row: Row) -> dict[str, Any]:
    return {
        "stage": row["stage"],
        "failing_since": _moment(row, "failing_since_"),
        "starting_since": _moment(row, "starting_since_"),
        "due": row["due"],
        "restarts": [_pair(*begun) for begun in json.loads(row["restarts"])],
        "streak": row["streak"],
        "last_attempt_ended": _moment(row, "last_attempt_ended_"),
        "last_cure": _moment(row, "last_cure_"),
        "target_seen": bool(row["target_seen"]),
        "target": row["target"],
        "last_id": row["last_id"],
        "dropped_apart": bool(row["dropped_apart"]),
    }


def _entry(row: Row) -> dict[str, Any]:
    not_before = row["not_before"]
    return {
        "id": row["id"],
        "channel": _CHANNEL,
        "message": _message(
            row["topic"],
            row["title"],
            row["body"],
            row["priority"],
            row["at_wall"],
            row["incident"],
        ),
        "tries": row["tries"],
        "not_before": "-inf" if not_before == float("-inf") else not_before,
        "parked": bool(row["parked"]),
        "trouble": _words(row["trouble"]),
    }


def _message(
    topic: str, title: str, body: str, _priority: int, at: float, incident: str
) -> dict[str, Any]:
    return {
        "topic": topic,
        "severity": _SEVERITIES.get(topic, "info"),
        "title": title,
        "body": body,
        "at": at,
        "incident": incident,
    }


def _notes(connection: Connection) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    for row in connection.execute("SELECT * FROM ledger"):
        notes["rate_limit"] = {
            "told": [
                {"at": _pair(steady, wall), "notices": [_words(text) for text in notices]}
                for steady, wall, notices in json.loads(row["told"])
            ],
            "held": [_message(*held) for held in json.loads(row["held"])],
            "called": row["called"],
        }
    notes["certificates"] = {
        "told": {
            row["service"]: {
                "at": _moment(row, "warned_"),
                "renewed": bool(row["renewed"]),
                "expires": row["expires"],
            }
            for row in connection.execute("SELECT * FROM certificates")
        }
    }
    proven = connection.execute("SELECT * FROM proven")
    notes["proven"] = {"passed": {row["service"]: row["settings"] for row in proven}}
    blind = connection.execute("SELECT * FROM blindness")
    since = {row["service"]: _moment(row, "since_") for row in blind}
    notes["unmeasured_services"] = {"since": since, "told": sorted(since)}
    return notes


def _moment(row: Row, prefix: str = "") -> dict[str, float] | None:
    steady, wall = row[f"{prefix}steady"], row[f"{prefix}wall"]
    return None if steady is None or wall is None else _pair(steady, wall)


def _pair(steady: float, wall: float) -> dict[str, float]:
    return {"steady": steady, "wall": wall}


def _words(text: str) -> dict[str, Any]:
    return {"code": "words", "args": {"text": text}} if text else {"code": "", "args": {}}


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
