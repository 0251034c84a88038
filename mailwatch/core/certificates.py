"""Certificates that expire soon, or that fewer trust: told once a day, no reason to restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from mailwatch.core import fit
from mailwatch.core.facts import Fact, fact
from mailwatch.core.message import Message, Severity
from mailwatch.core.model import Now, Reading
from mailwatch.core.policy import Policy
from mailwatch.core.say import say
from mailwatch.core.wording import Installation, few, notice

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Warned:
    """When the admin was last warned of one service's certificate."""

    at: Now
    renewed: bool = False
    """Whether the service has a new one since, which the admin was told."""
    expires: float | None = None
    """When the one expires that the warning was of, None where that was not kept."""
    signed: int | None = None
    """Its Reading's `certificate_signed`, None where that was not kept."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How many certificates of one service's chain somebody else has signed, as was last told."""

    signed: int
    warned: Now | None = None
    """When the admin was last told that they had become fewer."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What was told of each service whose certificate expires soon, and its chain: kept."""

    told: Mapping[str, Warned] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)


def look(
    before: Certificates,
    readings: Sequence[Reading],
    now: Now,
    installation: Installation,
    policy: Policy,
) -> tuple[Certificates, tuple[Message, ...]]:
    """Return what is known after one round, and the notices that it calls for.

    The admin is warned of a service once a day at most, from `policy.certificate_days` (0: never)
    before its certificate expires, and told once when it has a new one. The first warning is
    given at once; later ones wait for those of other services, so that all come as one message.
    A reading without a certificate, as of a service that is down, changes nothing. One whose chain
    has become shorter, or that the server has signed itself, is no new one but a warning.
    """
    watched = {reading.service for reading in readings if policy.certificate_days}
    told = {s: w for s, w in before.told.items() if _is_kept(s, w, watched, now)}
    if not policy.certificate_days:
        return Certificates(told, before.chains), ()
    chains, weaker = _compared(before.chains, readings, now)
    soon = [reading for reading in readings if expires_soon(reading, now.wall, policy)]
    renewed = [
        reading
        for reading in readings
        if reading.service in told
        and not told[reading.service].renewed
        and reading not in soon
        and _is_later(reading, told[reading.service], before.chains.get(reading.service))
    ]
    due = [r for r in soon if r.service not in told or _is_a_day_old(told[r.service].at, now)]
    rest = [r for r in soon if r not in due]
    if rest and all(reading.service in told for reading in due):
        due = []
    messages = []
    if due:
        told.update(
            {
                r.service: Warned(now, False, r.certificate_expires, r.certificate_signed)
                for r in due
            }
        )
        messages.append(_warning(due, now, installation))
    if renewed:
        told.update({r.service: replace(told[r.service], renewed=True) for r in renewed})
        title = fact("certificate-renewed", host=installation.host)
        about = _subject(title, renewed)
        lines = _lines(renewed, installation)
        messages.append(notice(title, lines, now, installation, subject=about))
    if weaker:
        messages.append(_distrust(weaker, before.chains, now, installation))
    return Certificates(told, chains), tuple(messages)


def expires_soon(reading: Reading, wall: float, policy: Policy) -> bool:
    """Whether `reading` saw a certificate that has expired at `wall`, or soon will."""
    if reading.certificate_expires is None or not policy.certificate_days:
        return False
    return reading.certificate_expires - wall < policy.certificate_days * DAY_S


def time_left(expires: float, wall: float) -> str:
    """Return how far off `expires` is: `expires in 9 days`, `expired 2 days ago`."""
    return say(_when(expires, wall))


def whose(reading: Reading) -> str:
    """Return which certificate expires: `certificate`, or that of an authority in its chain."""
    return say(fact("which-certificate", authority=reading.certificate_authority))


def _when(expires: float, wall: float) -> Fact:
    days = int(abs(expires - wall) // DAY_S)
    return fact("expired" if expires < wall else "expires", days=days or None)


def _is_kept(service: str, warned: Warned, watched: AbstractSet[str], now: Now) -> bool:
    """Whether the warning still matters: its day lasts, or its certificate is still the old one."""
    return not _is_a_day_old(warned.at, now) or (service in watched and not warned.renewed)


def _is_later(reading: Reading, warned: Warned, known: Chain | None) -> bool:
    """Whether the certificate is as good a one, and not the same by other settings or clocks."""
    expires, was = reading.certificate_expires, warned.signed
    if was is None and known is not None:
        was = known.signed
    if (reading.certificate_signed or 0) < (was or 0):
        return False
    return expires is not None and (warned.expires is None or expires > warned.expires)


def _compared(
    before: Mapping[str, Chain], readings: Sequence[Reading], now: Now
) -> tuple[dict[str, Chain], list[Reading]]:
    """Return the chains by now, and the readings of those that have become shorter, to be told."""
    chains, weaker = {}, []
    for reading in readings:
        known, signed = before.get(reading.service), reading.certificate_signed
        if known and signed is None:
            chains[reading.service] = known
        if signed is None:
            continue
        warned = known.warned if known else None
        if known and signed < known.signed:
            if warned and not _is_a_day_old(warned, now):
                chains[reading.service] = known  # it is told once the day is over
                continue
            weaker.append(reading)
            warned = now
        chains[reading.service] = Chain(signed, warned)
    return chains, weaker


def _distrust(
    weaker: Sequence[Reading], before: Mapping[str, Chain], now: Now, installation: Installation
) -> Message:
    title = fact("certificate-weaker", host=installation.host)
    services: dict[tuple[int, int], list[str]] = {}
    for reading in weaker:
        lengths = reading.certificate_signed or 0, before[reading.service].signed
        services.setdefault(lengths, []).append(reading.service)
    lines = [
        fact(
            "chain-shorter",
            services=fit.called(services[signed, was], installation.services),
            signed=signed or None,
            was=was,
        )
        for signed, was in sorted(services)
    ]
    about = fact(title.code, services=tuple(reading.service for reading in weaker))
    lines = [*few(lines, "more-certificates"), fact("certificate-weaker-advice")]
    return notice(title, lines, now, installation, Severity.WARNING, about)


def _is_a_day_old(told: Now, now: Now) -> bool:
    return now.steady - told.steady >= DAY_S


def _warning(due: Sequence[Reading], now: Now, installation: Installation) -> Message:
    first = min(reading.certificate_expires or now.wall for reading in due)
    when = _when(first, now.wall)
    title = fact("certificate-ends", host=installation.host, when=when)
    lines = [*_lines(due, installation), fact("certificate-advice")]
    return notice(title, lines, now, installation, Severity.WARNING, _subject(title, due))


def _subject(title: Fact, readings: Sequence[Reading]) -> Fact:
    """Return what a notice is about: which services have a certificate until when."""
    dates = tuple((reading.service, reading.certificate_expires) for reading in readings)
    return fact(title.code, dates=dates)


def _lines(readings: Sequence[Reading], installation: Installation) -> list[Fact]:
    """Return a line for each certificate, the first to expire first; services mostly share one."""
    services: dict[tuple[float, str], list[str]] = {}
    for reading in readings:
        which = reading.certificate_expires or 0.0, reading.certificate_authority
        services.setdefault(which, []).append(reading.service)
    lines = [
        fact(
            "valid-until",
            services=fit.called(services[expires, authority], installation.services),
            expires_at=expires,
            authority=authority,
        )
        for expires, authority in sorted(services)
    ]
    return few(lines, "more-certificates")
