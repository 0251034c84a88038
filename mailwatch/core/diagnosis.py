"""One thing that a check of the doctor found: fine, worth a look, or sure to fail, and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwatch.core.facts import NOTHING, Fact, Value, fact
from mailwatch.core.say import TEMPLATES, say


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


def ok(code: str, cure: Fact = NOTHING, /, **args: Value) -> Diagnosis:
    """Return that the fact `code` with `args` calls for nothing.

    What to do all the same is `cure`, or else the template `CODE-cure` with the same `args`, where
    there is one; so it is for warning() and problem().
    """
    return _diagnosis(Grade.OK, code, cure, args)


def warning(code: str, cure: Fact = NOTHING, /, **args: Value) -> Diagnosis:
    """Return that somebody should look at this."""
    return _diagnosis(Grade.WARNING, code, cure, args)


def problem(code: str, cure: Fact = NOTHING, /, **args: Value) -> Diagnosis:
    """Return that this keeps mailwatch from its work."""
    return _diagnosis(Grade.PROBLEM, code, cure, args)


def _diagnosis(grade: Grade, code: str, cure: Fact, args: dict[str, Value]) -> Diagnosis:
    own = f"{code}-cure"
    remedy = fact(own, **args) if not cure and own in TEMPLATES else cure
    return Diagnosis(grade, say(fact(code, **args)), say(remedy))
