"""What was found by looking around at one moment: plain values, a finding a collector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mailwatch.core.facts import Fact, words
from mailwatch.core.say import say

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What JSON can hold; the numbers of a finding carry their unit in their key."""

EVERYTHING = "everything"
"""Stands for all that a collector looks for, where it found nothing."""

GATHERED = "gathered"
"""The one finding that is about the look itself: `at` (seconds since 1970), `took_s`, `cause`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one collector found.

    `values` maps names to JSON. `unreadable` maps what could not be read, or EVERYTHING, to the
    reason, which follows "not readable, because" and says what to do about it.
    """

    values: Mapping[str, Json]
    unreadable: Mapping[str, Fact] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """Return the finding as it is kept: its values, and `unreadable` where there is any.

        The reasons are kept as sentences: nobody decides on them later.
        """
        reasons = {what: say(why) for what, why in self.unreadable.items()}
        return {**self.values, **({"unreadable": reasons} if reasons else {})}

    @classmethod
    def of_json(cls, value: object) -> Finding:
        """Return what as_json() was made from; a value that was not is an empty finding."""
        table = dict(value) if isinstance(value, Mapping) else {}
        unreadable = table.pop("unreadable", {})
        reasons = unreadable if isinstance(unreadable, Mapping) else {}
        return cls(table, {str(what): words(str(why)) for what, why in reasons.items()})


Evidence = Mapping[str, Finding]
"""The findings of one moment by the collector's name."""


def unreadable(*moments: Evidence) -> list[tuple[str, str]]:
    """Return what could not be read, and why: a sentence for each reason, said once.

    What they could not read stands behind the collectors, `host (load, memory)`; a later moment's
    reason counts.
    """
    reasons = {
        (name, what): say(why)
        for evidence in moments
        for name, finding in evidence.items()
        for what, why in finding.unreadable.items()
    }
    told: dict[str, dict[str, list[str]]] = {}
    for (name, what), why in sorted(reasons.items()):
        told.setdefault(why, {}).setdefault(name, []).append(what)
    return [(_of_collectors(parts), _sentence(why)) for why, parts in told.items()]


def _of_collectors(parts: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(
        name if EVERYTHING in parts[name] else f"{name} ({', '.join(parts[name])})"
        for name in parts
    )


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:].rstrip('.')}."


def value(evidence: Evidence, collector: str, *path: str) -> object:
    """Return what lies at `path` of a finding, None where there is nothing."""
    found: object = evidence[collector].values if collector in evidence else None
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def number(evidence: Evidence, collector: str, *path: str) -> float | None:
    """Return the number at `path`, None where there is none."""
    return amount({"": value(evidence, collector, *path)}, "")


def amount(row: Mapping[str, object], name: str) -> float | None:
    """Return the number that a row has at `name`, None where it has none."""
    found = row.get(name)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def text(evidence: Evidence, collector: str, *path: str) -> str:
    """Return the text at `path`, empty where there is none."""
    found = value(evidence, collector, *path)
    return found if isinstance(found, str) else ""


def rows(evidence: Evidence, collector: str, *path: str) -> list[Mapping[str, object]]:
    """Return the rows of the table at `path`, none where there is no table."""
    return table(value(evidence, collector, *path))


def table(found: object) -> list[Mapping[str, object]]:
    """Return the rows of a table, none where `found` is no table."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        return []
    return [row for row in found if isinstance(row, Mapping)]


class NotReadable(Exception):
    """Something could not be read; `reason` says why, and what to do about it.

    `kind` is the value of a Condition where the engine was asked, else empty.
    """

    def __init__(self, reason: Fact, kind: str = "") -> None:
        super().__init__(say(reason))
        self.reason = reason
        self.kind = kind
