"""How much the black box may do, from [evidence]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """Whether to look around, for how long at most, and how much of it to keep."""

    enabled: bool = True
    wait_s: float = 3.0
    """How long a look may take, and so the most by which it can delay a restart."""
    max_mib: int = 32
    """How much of the disk all evidence together may take."""
    options: Mapping[str, object] = field(default_factory=dict)
    """The settings of the collectors and servers that have keys of their own, by their names."""
