"""The catalogue of collectors: a new thing to look at is one file and one row here.

The module of a collector offers `collect(subject, deadline)`, which returns a Finding; it may raise
NotReadable, and nothing else. With the ability KEYS it offers `Settings` and `KEYS`, too; they
stand in [evidence], and the subject hands the settings on in its `options`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mailwatch.core.catalogue import Catalogue, Row
from mailwatch.evidence.subject import Collector

KEYS = "keys"
"""It has keys in [evidence]."""

COLLECTORS = Catalogue(
    "collector",
    tuple(
        Row(name, f"mailwatch.evidence.{name}")
        for name in (
            "readings", "container", "cgroup", "processes", "connections", "host", "disk", "clock",
            "log",
        )
    ),
)  # fmt: skip
"""What is asked, in the order in which a person reads it."""


def collectors() -> Mapping[str, Collector]:
    """Return every collector by its name; loaded before an outage, which may be one of the disk."""
    return {name: cast(Collector, COLLECTORS.load(name).collect) for name in COLLECTORS.names()}
