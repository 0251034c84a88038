"""Moments as pairs of columns, and back."""

from __future__ import annotations

from sqlite3 import Row

from mailwatch.core.model import Now


def pair(moment: Now | None) -> tuple[float | None, float | None]:
    """Return the steady and the wall number of `moment`, for two columns."""
    return (None, None) if moment is None else (moment.steady, moment.wall)


def maybe(row: Row, name: str) -> Now | None:
    """Return the moment in the columns `name`_steady and `name`_wall, None where they are null."""
    steady, wall = row[f"{name}_steady"], row[f"{name}_wall"]
    return None if steady is None or wall is None else Now(steady, wall)


def moment(row: Row, name: str) -> Now:
    """Return the moment in two columns; raises ValueError where they are null."""
    found = maybe(row, name)
    if found is None:
        raise ValueError(f"no moment in the column {name}")
    return found
