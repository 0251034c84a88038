"""What works in the configuration but should not stay so."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, warning
from mailwatch.core.text import duration
from mailwatch.doctor.case import Case


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give each warning of the configuration; one with mistakes never gets this far."""
    config = case.config
    count = len(config.services)
    yield ok(
        f"It has no mistakes, and watches {count} service{'' if count == 1 else 's'} every "
        f"{duration(config.policy.interval_s)}."
    )
    for sentence in config.warnings:
        yield warning(f"{sentence[:1].upper()}{sentence[1:]}.")
    if not config.policy.max_restarts:
        yield ok("It never restarts anything (max_restarts = 0), and only tells.")
