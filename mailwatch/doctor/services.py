"""Whether every service answers now, asked as the service asks, and what its probe needs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailwatch.core.certificates import expires_soon, time_left, whose
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.judgement import MISCONFIGURABLE
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.observation import alike, silent, unmasked
from mailwatch.core.say import TEMPLATES
from mailwatch.doctor.case import Case
from mailwatch.host.clocks import clock_text
from mailwatch.probes.catalogue import PROBES


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each service that is well, and for each way in which others are not."""
    readings = case.readings
    if any(reading.fault is Fault.DROPPED for reading in readings):
        readings = unmasked(readings, silent(case.target.listens))
    some_pass = any(r.verdict is Verdict.PASS and not r.portless for r in readings)
    ours: list[Reading] = []
    others: list[Reading] = []
    for one in readings:
        if one.verdict is not Verdict.PASS:
            known = some_pass or one.fault in MISCONFIGURABLE
            (ours if known and one.service in case.unproven else others).append(one)
    troubled = {
        services[0]: _trouble(services, one, may_be_ours=group is ours)
        for group in (ours, others)
        for services, one in alike(group)
    }
    for one in readings:
        if one.verdict is Verdict.PASS:
            yield ok("service-well", service=one.service, took_s=one.seconds)
        elif one.service in troubled:
            yield troubled[one.service]


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


def _trouble(services: tuple[str, ...], one: Reading, *, may_be_ours: bool) -> Diagnosis:
    if one.fault is None:
        return problem("service-unseen", services=services, detail=one.detail)
    # What was found may say more than its kind.
    ways = (way for way in (one.detail.code, one.fault) if f"cure-{way}" in TEMPLATES)
    cure = fact(f"cure-{next(ways, 'of-any-fault')}")
    if may_be_ours:
        cure = fact("unproven-too", cure=cure, services=services)
    return problem("service-down", cure, services=services, fault=one.fault, detail=one.detail)
