"""What 0.2.0 kept in rows of many columns, and as sentences, becomes documents of facts.

It spells out what it writes, for that stays as it is whatever the values of the core become:
their codec ignores what it does not know, and fills in what it lacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
_HOLD = ("reason", "target", "until", "seen_as", "services")
_MESSAGE = ("topic", "title", "body", "priority", "at_wall", "incident")


def to_documents(connection: Connection) -> None:
    """Fill the new tables from the old ones; raises ValueError where a row makes no sense."""
    documents: Document = {"notes": _notes(connection)}
    key = ""
    for row in _rows(connection, "machine", target_seen=bool, dropped_apart=bool, target=_key):
        key = row["target"]
        documents["machine"] = {"state": _state(row), "incident": row["incident"]}
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
    connection.executemany(
        "INSERT INTO incidents VALUES (?, ?, ?, ?)",
        [
            (row["number"], row["id"], row["closed"] and row["closed"]["wall"], _dump(row))
            for row in _incidents(connection, key)
        ],
    )
    connection.executemany(
        "INSERT INTO outbox VALUES (?, ?, NULL, ?)",
        [
            (row["id"], _CHANNEL, _dump(row | {"channel": _CHANNEL, "message": _message(row)}))
            for row in _rows(
                connection, "old_outbox", trouble=_words, parked=bool, not_before=_number
            )
        ],
    )


def _rows(connection: Connection, table: str, **reads: Callable[[Any], Any]) -> list[Document]:
    """Return each row by the names of its columns, two columns that are a moment as one.

    Those in `reads` are made of what they held.
    """
    cursor = connection.cursor()
    cursor.row_factory = Row
    found = []
    for row in cursor.execute(f"SELECT * FROM {table}"):  # noqa: S608
        document = {name: reads.get(name, lambda it: it)(row[name]) for name in row.keys()}  # noqa: SIM118
        for name in [name for name in document if name.endswith("_steady")]:
            moment = name.removesuffix("_steady")
            steady, wall = document.pop(name), document.pop(f"{moment}_wall")
            document[moment] = None if steady is None else _moment(steady, wall)
        found.append(document)
    return found


def _incidents(connection: Connection, key: str) -> list[Document]:
    """Return each with its attempts and what held it back, both of the target with that `key`."""
    attempts = _rows(connection, "old_attempts ORDER BY number", detail=_words)
    incidents = _rows(
        connection,
        "old_incidents",
        failures=_failures,
        first_failures=_failures,
        target=_words,
        cause=_cause,
        held_told=bool,
        opened_told=bool,
        hold_target=_words,
        hold_services=lambda text: json.loads(text or "[]"),
    )
    for row in incidents:
        hold = {name: row[f"hold_{name}"] for name in _HOLD} | {"of": key}
        row["holds"] = [] if hold["reason"] is None else [hold]
        own = [one for one in attempts if one["incident"] == row["id"]]
        row["attempts"] = [one | {"target": key} for one in own]
    return incidents


def _state(row: Document) -> Document:
    """Return all but the incident; what concerns the target is an entry of its own."""
    kept = ("stage", "failing_since", "due", "last_id", "dropped_apart")
    of_target = ("starting_since", "streak", "last_attempt_ended", "last_cure")
    target = {name: row[name] for name in of_target} | {
        "key": row["target"],
        "seen": row["target_seen"],
        "restarts": [_moment(*begun) for begun in json.loads(row["restarts"])],
    }
    return {name: row[name] for name in kept} | {"targets": [target]}


def _notes(connection: Connection) -> Document:
    certificates = _rows(connection, "certificates", renewed=bool)
    blind = {row["service"]: row["since"] for row in _rows(connection, "blindness")}
    passed = {row["service"]: row["settings"] for row in _rows(connection, "proven")}
    notes: Document = {
        "certificates": {
            "told": {row["service"]: row | {"at": row["warned"]} for row in certificates}
        },
        "proven": {"passed": passed},
        "unmeasured_services": {"since": blind, "told": sorted(blind)},
    }
    for row in _rows(connection, "ledger", told=json.loads, held=json.loads):
        notes["rate_limit"] = {
            "told": [
                {"at": _moment(steady, wall), "notices": [_words(text) for text in notices]}
                for steady, wall, notices in row["told"]
            ],
            "held": [_message(dict(zip(_MESSAGE, held, strict=True))) for held in row["held"]],
            "called": row["called"],
        }
    return notes


def _message(row: Document) -> Document:
    kept = {name: row[name] for name in ("topic", "title", "body", "incident")}
    return kept | {"at": row["at_wall"], "severity": _SEVERITIES.get(row["topic"], "info")}


def _failures(text: str) -> list[Document]:
    return [
        {
            "service": service,
            "fault": fault,
            "detail": _words(detail),
            "mask": mask[0] if mask else None,
        }
        for service, fault, detail, *mask in json.loads(text)  # 0.1.0 knew of no mask
    ]


def _key(title: str) -> str:
    """Return the key of the target that was called `title`; only containers were restarted."""
    name = title.removeprefix("container ")
    return f"docker:{name}" if name else ""


def _cause(text: str) -> Document:
    """Return the cause that was told as `text`; a ban has its code, for that decides something."""
    if not text.startswith("ban"):
        return _words(text)
    who, known, _ = text.removeprefix("ban of ").partition(", as which it sees this host")
    return {"code": "ban", "args": {"seen_as": who if known else "", "text": text}}


def _words(text: str | None) -> Document:
    return {"code": "words", "args": {"text": text}} if text else {}


def _moment(steady: float, wall: float) -> Document:
    return {"steady": steady, "wall": wall}


def _number(value: float) -> float | str:
    return "-inf" if value == float("-inf") else value


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
