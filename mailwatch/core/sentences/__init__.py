"""Every sentence that a fact becomes: code -> template, a file for each who speaks.

A template is a whole sentence or clause with named arguments, so that translating it is a matter
of one catalogue. `{name}` is the argument as text, made printable; `{name:spec}` words it, see
`core.wording.SPECS`. One that counts something is a Plural.
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


Template: TypeAlias = str | Plural
Sentences: TypeAlias = Mapping[str, Template]
