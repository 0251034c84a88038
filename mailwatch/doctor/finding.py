"""One thing that a check found: fine, worth a look, or sure to fail, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, but something should be done."""
    PROBLEM = "problem"
    """mailwatch cannot do its work as it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`sentence` says what was found and `cure` what to do, empty where the sentence has it."""

    level: Level
    sentence: str
    cure: str = ""


def ok(sentence: str) -> Finding:
    """Return a finding that calls for nothing."""
    return Finding(Level.OK, sentence)


def warning(sentence: str, cure: str = "") -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(Level.WARNING, sentence, cure)


def problem(sentence: str, cure: str = "") -> Finding:
    """Return a finding that keeps mailwatch from its work."""
    return Finding(Level.PROBLEM, sentence, cure)
