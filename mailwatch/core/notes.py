"""What is kept from one process to the next beside the incident and the outbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailwatch.core import certificates, rate_limit, unmeasured
from mailwatch.core.certificates import Certificates
from mailwatch.core.known_good import Proven
from mailwatch.core.rate_limit import Ledger
from mailwatch.core.unmeasured import Blindness


@dataclass(frozen=True, slots=True)
class Notes:
    """What the admin was told, and what the services have shown."""

    ledger: Ledger = field(default_factory=Ledger)
    certificates: Certificates = field(default_factory=Certificates)
    proven: Proven = field(default_factory=Proven)
    blindness: Blindness = field(default_factory=Blindness)


def moved(notes: Notes, by: float) -> Notes:
    """Return `notes` with its steady moments moved by `by` seconds (see core.rebase.shift_s)."""
    return Notes(
        rate_limit.moved(notes.ledger, by),
        certificates.moved(notes.certificates, by),
        notes.proven,
        unmeasured.moved(notes.blindness, by),
    )
