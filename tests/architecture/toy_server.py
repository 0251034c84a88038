"""A mail server that blames the moon in its log."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.keys import Key, Kind
from mailwatch.core.sentences import Sentences
from mailwatch.evidence.servers.catalogue import Signature


@dataclass(frozen=True, slots=True)
class Settings:
    toy_moons: int = 1


KEYS = (Key("toy_moons", Kind.INTEGER, 1, "Moons that the toy server knows.", low=1, high=9),)
NAME = "the toy server"
LOOKS_LIKE = r"^toyserver: "
SIGNATURES = (Signature("toy-moon", r"moon in (?P<house>\w+)"),)
SENTENCES: Sentences = {"toy-moon": "the moon is in {house}"}
