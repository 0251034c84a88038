"""Values that are read and written whole, each a row of JSON under its name."""

from __future__ import annotations

import json
from sqlite3 import Connection
from typing import TypeVar

from mailwatch.core.codec import plain, value_of

T = TypeVar("T")

MACHINE = "machine"
NOTES = "notes"
PAUSE = "pause"
ROUND = "round"
"""When the last round was recorded."""
WRITTEN = "written"
"""When, and in which boot, the file was last written to."""


def dump(value: object) -> str:
    """Return `value` as text for a column."""
    return json.dumps(plain(value), separators=(",", ":"))


def load(kind: type[T], text: str) -> T:
    """Return the `kind` that dump() made `text` of; raises ValueError where it makes no sense."""
    try:
        return value_of(kind, json.loads(text))
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a {kind.__name__} is kept as something else") from error


def put(connection: Connection, name: str, value: object) -> None:
    """Replace what is kept under `name` by `value`, None for nothing."""
    if value is None:
        connection.execute("DELETE FROM documents WHERE name = ?", (name,))
    else:
        row = name, dump(value)
        connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", row)


def get(connection: Connection, name: str, kind: type[T]) -> T | None:
    """Return what is kept under `name`, None where nothing is; raises ValueError as load()."""
    row = connection.execute("SELECT value FROM documents WHERE name = ?", (name,)).fetchone()
    return None if row is None else load(kind, row["value"])
