"""What 0.2.0 kept in rows of many columns, and as sentences, becomes documents of facts.

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
    documents = {"notes": _notes(connection)}
    key = ""
    for row in _rows(connection, "machine"):
        key = _key(row["target"])
        documents["machine"] = {"state": _state(row, key), "incident": row["incident"]}
    for row in _rows(connection, "clock"):
        documents["written"] = {"id": row["boot"], "at": _moment(row["steady"], row["wall"])}
        if row["round"] is not None:
            documents["round"] = row["round"]
    for row in _rows(connection, "pause"):
        documents["pause"] = {"id": row["boot"], "at": row["until"]}
    connection.executemany(
        "INSERT INTO documents VALUES (?, ?)",
        [(name, _dump(value)) for name, value in documents.items()],
    )
    attempts = _rows(connection, "old_attempts ORDER BY number")
    for row in _rows(connection, "old_incidents"):
        own = [_attempt(one, key) for one in attempts if one["incident"] == row["id"]]
        closed = row["closed"] and row["closed"]["wall"]
        connection.execute(
            "INSERT INTO incidents VALUES (?, ?, ?, ?)",
            (row["number"], row["id"], closed, _dump(_incident(row, own, key))),
        )
    connection.executemany(
        "INSERT INTO outbox VALUES (?, ?, NULL, ?)",
        [(row["id"], _CHANNEL, _dump(_entry(row))) for row in _rows(connection, "old_outbox")],
    )


def _rows(connection: Connection, table: str) -> list[Document]:
    """Return each row by the names of its columns, two columns that are a moment as one."""
    cursor = connection.cursor()
    cursor.row_factory = Row
    return [_record(row) for row in cursor.execute(f"SELECT * FROM {table}")]  # noqa: S608


def _record(row: Row) -> Document:
    found: Document = {}
    for column in row.keys():  # noqa: SIM118  # a row iterates over its values
        name, _, clock = column.rpartition("_")
        value = row[column]
        if name and clock == "steady":
            found[name] = None if value is None else _moment(value, row[f"{name}_wall"])
        elif clock != "wall" or name not in found:
            found[column] = bool(value) if column in _YES_OR_NO else value
    return found


def _incident(row: Document, attempts: list[Document], key: str) -> Document:
    columns = [name for name in row if name.startswith("hold_")]
    hold = {name.removeprefix("hold_"): row.pop(name) for name in columns}
    services = json.loads(hold["services"] or "[]")
    hold |= {"target": _words(hold["target"]), "services": services, "of": key}
    return row | {
        "failures": _failures(row["failures"]),
        "first_failures": _failures(row["first_failures"]),
        "target": _words(row["target"]),
        "cause": _cause(row["cause"]),
        "attempts": attempts,
        "holds": [] if hold["reason"] is None else [hold],
    }


def _failures(text: str) -> list[Document]:
    # A mask was unknown to 0.1.0.
    return [
        {
            "service": service,
            "fault": fault,
            "detail": _words(detail),
            "mask": next(iter(mask), None),
        }
        for service, fault, detail, *mask in json.loads(text)
    ]


def _attempt(row: Document, key: str) -> Document:
    return row | {"detail": _words(row["detail"]), "target": key}


def _state(row: Document, key: str) -> Document:
    """Return all but the incident; what concerns the target is an entry of its own."""
    target = {
        "key": key,
        "seen": bool(row["target_seen"]),
        "starting_since": row["starting_since"],
        "restarts": [_moment(*begun) for begun in json.loads(row["restarts"])],
        "streak": row["streak"],
        "last_attempt_ended": row["last_attempt_ended"],
        "last_cure": row["last_cure"],
    }
    kept = ("stage", "failing_since", "due", "last_id", "dropped_apart")
    return {name: row[name] for name in kept} | {"targets": [target]}


def _key(title: str) -> str:
    """Return the key of the target that was called `title`; only containers were restarted."""
    name = title.removeprefix("container ")
    return f"docker:{name}" if name else ""


def _entry(row: Document) -> Document:
    not_before = row["not_before"]
    columns = ("topic", "title", "body", "priority", "at_wall", "incident")
    return {
        "id": row["id"],
        "channel": _CHANNEL,
        "message": _message(*(row[column] for column in columns)),
        "tries": row["tries"],
        "not_before": "-inf" if not_before == float("-inf") else not_before,
        "parked": row["parked"],
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
        row["service"]: row | {"at": row["warned"]} for row in _rows(connection, "certificates")
    }
    blind = {row["service"]: row["since"] for row in _rows(connection, "blindness")}
    passed = {row["service"]: row["settings"] for row in _rows(connection, "proven")}
    notes: Document = {
        "certificates": {"told": warned},
        "proven": {"passed": passed},
        "unmeasured_services": {"since": blind, "told": sorted(blind)},
    }
    for row in _rows(connection, "ledger"):
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
