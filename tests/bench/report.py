"""The figures as one table, each with what it ought to be, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

NOT_APPLICABLE = "n/a"
OTHERS = ("old", "monit", "blackbox", "floor")
"""The columns beside our own; the first is an older mailwatch, where one was named."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: a number for each program, and the most that ours may be.

    A program without a number shows the words of `instead`, or n/a.
    """

    name: str
    unit: str
    ours: float | None
    aim: float | None = None
    others: Mapping[str, float | None] = field(default_factory=dict)
    """By program: old, monit, blackbox, floor."""
    instead: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether ours reaches the aim; empty where there is none."""
        if self.aim is None:
            return ""
        if self.ours is None:
            return "not measured"
        return "reached" if self.ours <= self.aim else f"missed by {self.ours / self.aim - 1:.0%}"


def beside(figure: Figure, old: Figure | None = None) -> Figure:
    """Return `figure` with that of an older mailwatch beside it."""
    if old is None:
        return figure
    return replace(figure, others={**figure.others, "old": old.ours})


def as_json(figures: Sequence[Figure], machine: Mapping[str, str]) -> str:
    """Return all of it as one JSON object."""
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    return json.dumps({"machine": dict(machine), "figures": rows}, indent=2)


def as_table(figures: Sequence[Figure]) -> str:
    """Return the rows with their columns aligned, then the notes."""
    head = ("figure", "unit", "mailwatch", "aim", "", *OTHERS)
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, 1, 4) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    notes = [f"{figure.name}: {figure.note}" for figure in figures if figure.note]
    return "\n".join([*lines, "", *notes])


def _cells(figure: Figure) -> tuple[str, ...]:
    aim = "" if figure.aim is None else f"<= {_number(figure.aim)}"
    others = [
        NOT_APPLICABLE if (value := figure.others.get(name)) is None else _number(value)
        for name in OTHERS
    ]
    for column, name in enumerate(OTHERS):
        others[column] = figure.instead.get(name, others[column])
    ours = NOT_APPLICABLE if figure.ours is None else _number(figure.ours)
    return (figure.name, figure.unit, ours, aim, figure.verdict, *others)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"
