"""A collector that writes down the weather, which it is told."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.keys import Key, Kind
from mailwatch.evidence.subject import Subject


@dataclass(frozen=True, slots=True)
class Settings:
    toy_weather: str = "fair"


KEYS = (Key("toy_weather", Kind.TEXT, "fair", "Weather that the toy collector sees."),)


def collect(subject: Subject, deadline: Deadline) -> Finding:
    options = subject.options["toy"]
    assert isinstance(options, Settings)
    return Finding({"weather": options.toy_weather})
