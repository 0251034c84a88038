"""Every sentence that a fact becomes: code -> template, a file for each who speaks.

A template is a whole sentence or clause with named arguments, so that translating it is a matter
of one catalogue. `{name}` is the argument as text, made printable; `{name:spec}` words it, see
`core.say.SPECS`. One that counts something is a Plural, and one that says more where more is known
is a Given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Plural:
    """Two templates: `one` where the argument `by` is 1, or names one thing, else `many`."""

    by: str
    one: str
    many: str


@dataclass(frozen=True, slots=True)
class Given:
    """Two templates: `present` where there is an argument `by` that says something, else `absent`.

    None, False, NOTHING, no text and no names say nothing; the number 0 does.
    """

    by: str
    present: Template
    absent: Template


Template: TypeAlias = "str | Plural | Given"
Sentences: TypeAlias = Mapping[str, Template]
