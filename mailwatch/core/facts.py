"""What is known, as a code with arguments: kept and compared as that, and worded for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | Fact | tuple[Value, ...] | None"
"""What an argument can be; all of it has a form in JSON. Seconds are `..._s`, moments `..._at`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is so: `code` names its template (`core.wording`), `args` fill it in.

    The arguments are sorted by name, so that two facts are equal where they say the same. One
    without a code is no fact, and is false.
    """

    code: str = ""
    args: tuple[tuple[str, Value], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code)

    def get(self, name: str) -> Value:
        """Return the argument `name`, None where there is none."""
        return dict(self.args).get(name)


NOTHING = Fact()
"""No fact: there is nothing to say."""

WORDS = "words"
"""The code of words that are not ours to translate: a program's, or an older version's."""


def fact(code: str, /, **args: Value) -> Fact:
    """Return the fact `code` with `args`, for each `{name}` of its template one."""
    return Fact(code, tuple(sorted(args.items())))


def words(text: str) -> Fact:
    """Return words that somebody else has said, NOTHING where there are none."""
    return fact(WORDS, text=text) if text else NOTHING
