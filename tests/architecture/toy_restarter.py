"""A restarter that writes `up` into a file, and what it lets the black box see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok
from mailwatch.core.keys import Key, Kind
from mailwatch.core.model import Condition, Description, Target, TargetState
from mailwatch.core.sentences import Sentences
from mailwatch.host.ground import Ground

SENTENCES: Sentences = {"target-toy": "toy {name}"}


@dataclass(frozen=True, slots=True)
class Settings:
    spring: str
    longest_restart_s: float = 5.0


KEYS = (
    Key(
        "spring",
        Kind.PATH,
        None,
        "File that is wound up.",
        environment="TOY_SPRING",
        required=True,
        example='"/tmp/spring"',
        shape=str,
    ),
)


def examine(settings: Settings, ground: Ground) -> Iterator[Diagnosis]:
    yield ok(f"The toy's spring is {ground.target.condition}.")


class Examiner:
    def container(self, deadline: Deadline) -> Mapping[str, Any]:
        return {"Id": "toy", "State": {"Status": "running"}}

    def log(self, since: float, deadline: Deadline) -> bytes:
        return b"toyserver: all in place\ntoyserver: moon in aries\n"

    def processes(self, deadline: Deadline) -> Sequence[Mapping[str, str]]:
        return []

    def close(self) -> None:
        pass


def examiner(settings: Settings) -> Examiner:
    return Examiner()


class ToyRestarter:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def describe(self) -> Description:
        return Description(Target("toy", self._settings.spring), "cat /dev/null")

    def inspect(self, deadline: Deadline) -> TargetState:
        return TargetState(Condition.RUNNING, started_at=1.0)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        Path(self._settings.spring).write_text("up")


RESTARTER = ToyRestarter
