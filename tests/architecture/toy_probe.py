"""A probe that reads whether all is well from a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok
from mailwatch.core.facts import fact
from mailwatch.core.keys import Key, Kind
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.sentences import Sentences
from mailwatch.host.ground import Ground
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings, options

SENTENCES: Sentences = {"toy-flat": "the file {name} says that it is flat"}


@dataclass(frozen=True, slots=True)
class Settings:
    toy_file: str = ""


KEYS = (
    Key(
        "toy_file",
        Kind.PATH,
        None,
        "File that says `up` while all is well. The toy is flat otherwise.",
        required=True,
        example='"/tmp/toy"',
        shape=str,
    ),
)


class ToyProbe(Check):
    def check(self, deadline: Deadline) -> Reading:
        path = Path(options(self.settings, Settings).toy_file)
        if path.read_text() == "up":
            return Reading(self.settings.key, Verdict.PASS)
        detail = fact("toy-flat", name=path.name)
        return Reading(self.settings.key, Verdict.FAIL, Fault.PROTOCOL, detail)


def examine(service: ServiceSettings, ground: Ground) -> Iterator[Diagnosis]:
    yield ok(f"The toy file of {service.key} is {options(service, Settings).toy_file}.")


PROBE = ToyProbe
