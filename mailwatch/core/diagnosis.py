"""One thing that a check of the doctor found: fine, worth a look, or sure to fail, and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, but something should be done."""
    PROBLEM = "problem"
    """mailwatch cannot do its work as it is."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`sentence` says what was found and `cure` what to do, empty where the sentence has it."""

    grade: Grade
    sentence: str
    cure: str = ""
    check: str = ""
    """What was looked at, where that is more exact than the name of the check."""


def ok(sentence: str) -> Diagnosis:
    """Return a diagnosis that calls for nothing."""
    return Diagnosis(Grade.OK, sentence)


def warning(sentence: str, cure: str = "") -> Diagnosis:
    """Return a diagnosis that somebody should look at."""
    return Diagnosis(Grade.WARNING, sentence, cure)


def problem(sentence: str, cure: str = "") -> Diagnosis:
    """Return a diagnosis that keeps mailwatch from its work."""
    return Diagnosis(Grade.PROBLEM, sentence, cure)
