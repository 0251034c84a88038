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
        yield problem(
            "The clock is wrong: it shows a time before mailwatch was written.",
            "Set it with `timedatectl set-ntp true`.",
        )
    elif synchronised is None:
        yield warning(
            "Whether the clock is synchronised cannot be found out.", "See `timedatectl`."
        )
    elif synchronised:
        yield ok("The clock is synchronised.")
    else:
        yield warning(
            "The clock is not synchronised, so the times in messages may be wrong.",
            "Install systemd-timesyncd or chrony, and run `timedatectl set-ntp true`.",
        )
