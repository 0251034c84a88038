"""What is kept from one process to the next beside the incident and the outbox."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailwatch.core import blindness, certificates, ratelimit
from mailwatch.core.blindness import Blindness
from mailwatch.core.certificates import Certificates
from mailwatch.core.proven import Proven
from mailwatch.core.ratelimit import Ledger


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
        ratelimit.moved(notes.ledger, by),
        certificates.moved(notes.certificates, by),
        notes.proven,
        blindness.moved(notes.blindness, by),
    )
