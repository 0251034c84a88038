"""Step 12 of the tables: rows of many columns, and sentences, become documents of facts.

It spells out what it writes, for that stays as it is whatever the values of the core become:
their codec ignores what it does not know, and fills in what it lacks.
"""

from __future__ import annotations

import json
from sqlite3 import Connection, Row
from typing import Any

Document = dict[str, Any]

_CHANNEL = "gotify"
"""All that there was."""

_SEVERITIES = {
    "escalated": "critical",
    "reminder": "urgent",
    "opened": "warning",
    "held": "warning",
}
_YES_OR_NO = frozenset({"held_told", "opened_told", "dropped_apart", "parked", "renewed"})


def to_documents(connection: Connection) -> None:
    """Fill the new tables from the old ones; raises ValueError where a row makes no sense."""
    before, connection.row_factory = connection.row_factory, Row
    try:
        machine = connection.execute("SELECT * FROM machine").fetchone()
        key = "" if machine is None else _key(machine["target"])
        for row in connection.execute("SELECT * FROM old_incidents ORDER BY number"):
            attempts = connection.execute(
                "SELECT * FROM old_attempts WHERE incident = ? ORDER BY number", (row["id"],)
            )
            incident = _incident(row, [_attempt(attempt, key) for attempt in attempts], key)
            connection.execute(
                "INSERT INTO incidents VALUES (?, ?, ?, ?)",
                (row["number"], row["id"], row["closed_wall"], _dump(incident)),
            )
        for row in connection.execute("SELECT * FROM old_outbox ORDER BY id"):
            connection.execute(
                "INSERT INTO outbox VALUES (?, ?, NULL, ?)",
                (row["id"], _CHANNEL, _dump(_entry(row))),
            )
        documents = {"notes": _notes(connection)}
        if machine is not None:
            documents["machine"] = {"state": _state(machine, key), "incident": machine["incident"]}
        for row in connection.execute("SELECT * FROM clock"):
            documents["written"] = {"id": row["boot"], "at": _moment(row["steady"], row["wall"])}
            if row["round_wall"] is not None:
                documents["round"] = _moment(row["round_steady"], row["round_wall"])
        for row in connection.execute("SELECT * FROM pause"):
            documents["pause"] = {"id": row["boot"], "at": _record(row)["until"]}
        connection.executemany(
            "INSERT INTO documents VALUES (?, ?)",
            [(name, _dump(value)) for name, value in documents.items()],
        )
    finally:
        connection.row_factory = before


def _record(row: Row) -> Document:
    """Return the columns of `row` by their names, and two that are a moment as one."""
    found: Document = {}
    for column in row.keys():  # noqa: SIM118  # a row iterates over its values
        name, _, clock = column.rpartition("_")
        value = row[column]
        if clock == "steady":
            found[name] = None if value is None else _moment(value, row[f"{name}_wall"])
        elif clock != "wall":
            found[column] = bool(value) if column in _YES_OR_NO else value
    return found


def _incident(row: Row, attempts: list[Document], key: str) -> Document:
    found = {n: value for n, value in _record(row).items() if not n.startswith("hold_")}
    hold = {
        "reason": row["hold_reason"],
        "target": _words(row["hold_target"]),
        "until": row["hold_until"],
        "seen_as": row["hold_seen_as"],
        "services": json.loads(row["hold_services"] or "[]"),
        "of": key,
    }
    return found | {
        "failures": _failures(row["failures"]),
        "first_failures": _failures(row["first_failures"]),
        "target": _words(row["target"]),
        "cause": _cause(row["cause"]),
        "attempts": attempts,
        "holds": [] if row["hold_reason"] is None else [hold],
    }


def _failures(text: str) -> list[Document]:
    return [
        {"service": service, "fault": fault, "detail": _words(detail), "mask": mask}
        for service, fault, detail, mask in json.loads(text)
    ]


def _attempt(row: Row, key: str) -> Document:
    return _record(row) | {"detail": _words(row["detail"]), "target": key}


def _state(row: Row, key: str) -> Document:
    """Return all but the incident; what concerns the target is an entry of its own."""
    found = _record(row)
    target = {
        "key": key,
        "seen": bool(row["target_seen"]),
        "starting_since": found["starting_since"],
        "restarts": [_moment(*begun) for begun in json.loads(row["restarts"])],
        "streak": row["streak"],
        "last_attempt_ended": found["last_attempt_ended"],
        "last_cure": found["last_cure"],
    }
    kept = ("stage", "failing_since", "due", "last_id", "dropped_apart")
    return {name: found[name] for name in kept} | {"targets": [target]}


def _key(title: str) -> str:
    """Return the key of the target that was called `title`; only containers were restarted."""
    name = title.removeprefix("container ")
    return f"docker:{name}" if name else ""


def _entry(row: Row) -> Document:
    not_before = row["not_before"]
    columns = ("topic", "title", "body", "priority", "at_wall", "incident")
    return {
        "id": row["id"],
        "channel": _CHANNEL,
        "message": _message(*(row[column] for column in columns)),
        "tries": row["tries"],
        "not_before": "-inf" if not_before == float("-inf") else not_before,
        "parked": bool(row["parked"]),
        "trouble": _words(row["trouble"]),
    }


def _message(topic: str, title: str, body: str, _priority: int, at: float, about: str) -> Document:
    return {
        "topic": topic,
        "severity": _SEVERITIES.get(topic, "info"),
        "title": title,
        "body": body,
        "at": at,
        "incident": about,
    }


def _notes(connection: Connection) -> Document:
    warned = {
        row["service"]: _record(row) for row in connection.execute("SELECT * FROM certificates")
    }
    blind = {row["service"]: _record(row) for row in connection.execute("SELECT * FROM blindness")}
    notes: Document = {
        "certificates": {
            "told": {service: one | {"at": one["warned"]} for service, one in warned.items()}
        },
        "proven": {"passed": dict(map(tuple, connection.execute("SELECT * FROM proven")))},
        "unmeasured_services": {
            "since": {service: one["since"] for service, one in blind.items()},
            "told": sorted(blind),
        },
    }
    for row in connection.execute("SELECT * FROM ledger"):
        notes["rate_limit"] = {
            "told": [
                {"at": _moment(steady, wall), "notices": [_words(text) for text in notices]}
                for steady, wall, notices in json.loads(row["told"])
            ],
            "held": [_message(*held) for held in json.loads(row["held"])],
            "called": row["called"],
        }
    return notes


def _moment(steady: float, wall: float) -> Document:
    return {"steady": steady, "wall": wall}


def _words(text: str) -> Document:
    return {"code": "words", "args": {"text": text}} if text else {}


def _cause(text: str) -> Document:
    """Return the cause that was told as `text`; a ban has its code, for that decides something."""
    if not text.startswith("ban"):
        return _words(text)
    who, known, _ = text.removeprefix("ban of ").partition(", as which it sees this host")
    return {"code": "ban", "args": {"seen_as": who if known else "", "text": text}}


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
