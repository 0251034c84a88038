"""How long the certificates of the services are good for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from mailwatch.core.certificates import expires_soon, time_left
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import join_words
from mailwatch.doctor.case import Case


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each certificate; services mostly share one."""
    wall = time.time()
    services: dict[float, list[str]] = {}
    soon = set()
    for reading in case.readings:
        if reading.certificate_expires is None:
            continue
        services.setdefault(reading.certificate_expires, []).append(reading.service)
        if expires_soon(reading, wall, case.config.policy):
            soon.add(reading.certificate_expires)
    for expires in sorted(services):
        until = datetime.fromtimestamp(expires, UTC)
        # One that never expires ends with the year 9999, which is no local time everywhere.
        with suppress(OverflowError, ValueError):
            until = until.astimezone()
        names, left = join_words(services[expires]), time_left(expires, wall)
        sentence = f"The certificate of {names} {left}, on {until:%Y-%m-%d %H:%M}."
        cure = "Renew it, and have the mail server load the new one."
        if expires <= wall:
            yield problem(sentence, cure)
        elif expires in soon:
            yield warning(sentence, cure)
        else:
            yield ok(sentence)
