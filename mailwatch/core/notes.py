"""What is kept from one process to the next beside the incident and the outbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailwatch.core.certificates import Certificates
from mailwatch.core.known_good import KnownGood
from mailwatch.core.offences import OffenceBudget
from mailwatch.core.rate_limit import RateLimit
from mailwatch.core.readiness import Readiness
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.core.wall_clock import ClockHistory


@dataclass(frozen=True, slots=True)
class Notes:
    """What the admin was told, and what the services have shown."""

    rate_limit: RateLimit = field(default_factory=RateLimit)
    certificates: Certificates = field(default_factory=Certificates)
    proven: KnownGood = field(default_factory=KnownGood)
    unmeasured_services: UnmeasuredServices = field(default_factory=UnmeasuredServices)
    readiness: Readiness = field(default_factory=Readiness)
    wall_clock: ClockHistory = field(default_factory=ClockHistory)
    offences: OffenceBudget = field(default_factory=OffenceBudget)
