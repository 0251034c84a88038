"""Whether every service answers now, asked as the service asks, and what its probe needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailwatch.core.certificates import expires_soon, time_left, whose
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.judgement import MISCONFIGURABLE
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.observation import silent, unmasked
from mailwatch.core.say import TEMPLATES
from mailwatch.doctor.case import Case
from mailwatch.host.clocks import clock_text
from mailwatch.probes.catalogue import PROBES


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each service."""
    readings = case.readings
    if any(reading.fault is Fault.DROPPED for reading in readings):
        readings = unmasked(readings, silent(case.target.listens))
    some_pass = any(r.verdict is Verdict.PASS and not r.portless for r in readings)
    for reading in readings:
        ours = some_pass or reading.fault in MISCONFIGURABLE
        yield _judge(reading, may_be_ours=ours and reading.service in case.unproven)


def examine_certificates(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each certificate; services mostly share one."""
    now = time.time()
    holders: dict[tuple[float, str], list[Reading]] = {}
    for reading in case.readings:
        if reading.certificate_expires is not None:
            which = reading.certificate_expires, whose(reading)
            holders.setdefault(which, []).append(reading)
    for (expires, certificate), readings in sorted(holders.items()):
        soon = any(expires_soon(one, now, case.config.policy) for one in readings)
        found = problem if expires <= now else warning if soon else ok
        yield found(
            "certificate-found",
            fact("renew-certificate") if soon or expires <= now else NOTHING,
            certificate=certificate,
            services=tuple(one.service for one in readings),
            left=time_left(expires, now),
            on=clock_text(expires),
        )


def examine_probes(case: Case) -> Iterator[Diagnosis]:
    """Give what the probes' own checks find, which look at what this host must have for them."""
    for service in case.config.services:
        if own := getattr(PROBES.load(service.probe), "examine", None):
            yield from own(service, case)


def _judge(reading: Reading, *, may_be_ours: bool) -> Diagnosis:
    if reading.verdict is Verdict.PASS:
        return ok("service-well", service=reading.service, took_s=reading.seconds)
    if reading.fault is None:
        return problem("service-unseen", service=reading.service, detail=reading.detail)
    # What was found may say more than its kind.
    ways = (way for way in (reading.detail.code, reading.fault) if f"cure-{way}" in TEMPLATES)
    cure = fact(f"cure-{next(ways, 'of-any-fault')}")
    if may_be_ours:
        cure = fact("unproven-too", cure=cure)
    about = {"service": reading.service, "fault": reading.fault}
    return problem("service-down", cure, detail=reading.detail, **about)
