"""The catalogue of one kind of plug-in: a row a plug-in, and its module once it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Generic, TypeVar

from mailwatch.core.keys import Key, Value, settled
from mailwatch.core.say import learn


@dataclass(frozen=True, slots=True)
class Row:
    """One plug-in: the word for it in the configuration, its module, and what it can do."""

    name: str
    module: str
    abilities: frozenset[str] = frozenset()


R = TypeVar("R", bound=Row)


class Catalogue(Generic[R]):
    """The plug-ins of one kind, in the order in which they are named to a person.

    `kind` is the word for them: `probe`. Nothing of a plug-in but its row is known before it is
    loaded, so that a service pays only for those that it uses.
    """

    def __init__(self, kind: str, rows: Sequence[R]) -> None:
        self.kind = kind
        self._rows = {row.name: row for row in rows}

    def names(self) -> tuple[str, ...]:
        """Return every name."""
        return tuple(self._rows)

    def rows(self) -> tuple[R, ...]:
        """Return every row."""
        return tuple(self._rows.values())

    def having(self, ability: str) -> tuple[str, ...]:
        """Return the names of those that have `ability`."""
        return tuple(row.name for row in self.rows() if ability in row.abilities)

    def can(self, name: str, ability: str) -> bool:
        """Whether the plug-in `name` has `ability`; one that is not in the catalogue has none."""
        row = self._rows.get(name)
        return row is not None and ability in row.abilities

    def load(self, name: str) -> ModuleType:
        """Return the module of the plug-in `name`, whose sentences are known from then on.

        Raises KeyError where there is none of that name.
        """
        module = import_module(self._rows[name].module)
        learn(getattr(module, "SENTENCES", {}))
        return module

    def keys(self, name: str) -> tuple[Key, ...]:
        """Return the keys that the plug-in `name` has in the configuration."""
        return tuple(getattr(self.load(name), "KEYS", ()))

    def knowing(self, key: str) -> tuple[str, ...]:
        """Return the names of those that have the key `key`."""
        return tuple(one for one in self._rows if any(own.name == key for own in self.keys(one)))

    def settings(self, name: str, given: Mapping[str, Value | None]) -> Any:
        """Return the `Settings` of the plug-in `name`, None where it has none.

        They are made of what was given of its keys.
        """
        made = getattr(self.load(name), "Settings", None)
        return made and settled(made, self.keys(name), given)

    @contextmanager
    def adding(self, row: R) -> Iterator[None]:
        """Have `row` in the catalogue for a while, as the demo and the tests want it."""
        self._rows[row.name] = row
        try:
            yield
        finally:
            del self._rows[row.name]
