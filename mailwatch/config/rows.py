"""A list of tables, such as [[services]]: each table becomes the values of its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mailwatch.config import values
from mailwatch.config.model import Origin
from mailwatch.config.problems import Problems
from mailwatch.config.sources import GivenTables, unknown
from mailwatch.core.keys import Key, Value
from mailwatch.core.text import printable

Row = dict[str, Value]
"""The keys of one table that were given and could be read."""


def listed(given: GivenTables, need: str, problems: Problems) -> dict[str, Mapping[str, object]]:
    """Return where each table stands (`services[1]`, ...) -> what is in it; `need` is the least."""
    raw, what = given.raw, given.subject
    one = what.removesuffix("s")
    sentence = ""
    if isinstance(raw, dict):
        sentence = f"[{what}] is one table; write [[{what}]], double, above each {one}"
    elif not isinstance(raw, list):
        sentence = f"{what} is {values.show(raw)}; write a line [[{what}]] for each {one}"
    elif not raw:
        sentence = f"{what} is an empty list; name at least one {one}, or remove the line"
    if sentence or not isinstance(raw, list):
        problems.mistake(given.origin, what, sentence)
        return {}
    tables: dict[str, Mapping[str, object]] = {}
    for index, table in enumerate(raw, start=1):
        at = f"{what}[{index}]"
        if isinstance(table, Mapping):
            tables[at] = table
        else:
            sentence = f"{at} is {values.show(table)}; write a table with {need}"
            problems.mistake(given.origin, at, sentence)
    return tables


def choice_of(table: Mapping[str, object], name: str, known: tuple[str, ...]) -> str | None:
    """Return which plug-in the key `name` of `table` names, None for one that nobody knows.

    What its other keys mean is not known then, so that nothing is said of them.
    """
    raw = table.get(name)
    return raw if isinstance(raw, str) and raw in known else None


def read_row(
    at: str,
    table: Mapping[str, object],
    keys: Mapping[str, Key],
    origin: Origin,
    problems: Problems,
    misfit: Callable[[str], str | None],
) -> Row:
    """Return what could be read of `table`; what is wrong with the rest goes to `problems`.

    `misfit` says why a key does not belong there, None where it may, and empty where that is not
    known.
    """
    row: Row = {}
    for name, raw in table.items():
        dotted = f"{at}.{name}"
        trouble = misfit(name)
        if trouble is not None:
            if trouble:
                problems.mistake(origin, dotted, f"{dotted} {trouble}")
        elif name not in keys:
            problems.mistake(origin, printable(dotted, 80), unknown(dotted, keys))
        else:
            try:
                row[name] = values.read(keys[name], raw)
            except values.Wrong as wrong:
                problems.mistake(origin, dotted, f"{dotted} {wrong}")
    return row
