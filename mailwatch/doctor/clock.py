"""Whether the clock is right: messages, certificates and other logs are read by it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.wall_clock import WRITTEN
from mailwatch.doctor.case import Case
from mailwatch.host.clocks import is_synchronised


def examine(_case: Case) -> Iterator[Diagnosis]:
    """Give one finding."""
    synchronised = is_synchronised()
    if time.time() < WRITTEN:
        yield problem("clock-wrong")
    elif synchronised is None:
        yield warning("clock-unseen")
    elif synchronised:
        yield ok("clock-well")
    else:
        yield warning("clock-adrift")
