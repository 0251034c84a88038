"""On which line of a TOML file each table and each key stands, for sentences about them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*\]")
_KEY = re.compile(r"\s*(?P<name>[\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
_LONG = re.compile(r"\"\"\"|\'\'\'")


def lines_of(text: str) -> Iterator[tuple[str, int]]:
    """Return what mistakes call each table and key of `text`, and its line, counted from 1.

    That is `watch`, `watch.retries`, `services[2]` and `services[2].port`. `text` is TOML that has
    been read already; a key in a text of several lines, or a table within a line, has none.
    """
    table = ""
    counts: Counter[str] = Counter()
    quote = ""
    for number, line in enumerate(text.split("\n"), start=1):
        marks = _LONG.findall(line)
        inside = bool(quote)
        for mark in marks:
            quote = "" if quote == mark else quote or mark
        if inside:
            continue
        if found := _HEADER.match(line):
            table = _bare(found["name"])
            if found["open"] == "[[":
                counts[table] += 1
                table = f"{table}[{counts[table]}]"
            yield table, number
        elif found := _KEY.match(line):
            yield f"{table}.{_bare(found['name'])}".lstrip("."), number


def _bare(name: str) -> str:
    return re.sub(r"[\s\"']", "", name)
