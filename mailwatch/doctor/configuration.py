"""What works in the configuration but should not stay so."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, warning
from mailwatch.core.facts import words
from mailwatch.doctor.case import Case


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give each warning of the configuration; one with mistakes never gets this far."""
    config = case.config
    count, every_s = len(config.services), config.policy.interval_s
    yield ok("configuration-good", count=count, every_s=every_s)
    for sentence in config.warnings:
        yield warning("found", what=words(f"{sentence[:1].upper()}{sentence[1:]}."))
    if not config.policy.max_restarts:
        yield ok("restarts-nothing")
