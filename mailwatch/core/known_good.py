"""Which services have ever passed as they are configured: any other may be configured wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailwatch.core.model import Reading, Verdict


@dataclass(frozen=True, slots=True)
class KnownGood:
    """The services that have passed, each with a digest of the settings with which it did so."""

    passed: Mapping[str, str] = field(default_factory=dict)


def look(before: KnownGood, readings: Sequence[Reading], settings: Mapping[str, str]) -> KnownGood:
    """Return what is known after one round, equal to `before` where it has shown nothing new.

    `settings` holds the digest of each service that is watched. One that passes is proven; one
    that is gone, or is asked in another way than before, is forgotten.
    """
    kept = {s: digest for s, digest in before.passed.items() if settings.get(s) == digest}
    now = {
        reading.service: settings[reading.service]
        for reading in readings
        if reading.verdict is Verdict.PASS and reading.service in settings
    }
    return KnownGood({**kept, **now})


def proven(known: KnownGood, settings: Mapping[str, str]) -> frozenset[str]:
    """Return the services of `settings` that have passed as they are asked now."""
    return frozenset(settings) - unproven(known, settings)


def unproven(known: KnownGood, settings: Mapping[str, str]) -> frozenset[str]:
    """Return the services of `settings` that have never passed as they are asked now."""
    return frozenset(s for s, digest in settings.items() if known.passed.get(s) != digest)
