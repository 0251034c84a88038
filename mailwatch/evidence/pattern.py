"""What the patterns of causes have in common: what they return, and ask of the readings."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.core.evidence import Evidence, rows, text
from mailwatch.core.facts import Fact

Found = tuple[Fact, list[str]] | None
"""The cause and what in the evidence says so, None where the pattern does not fit."""

NEARLY = 0.98
"""The share of a limit from which on it is as good as used up."""


def runs(evidence: Evidence) -> bool:
    """Whether the engine says that the container runs."""
    return text(evidence, "container", "status") == "running"


def failed(evidence: Evidence) -> list[Mapping[str, object]]:
    """Return the readings that failed."""
    return [row for row in rows(evidence, "readings", "now") if row.get("verdict") == "fail"]


def deaf(evidence: Evidence) -> list[str]:
    """Return the ports of a container that runs whose service failed and has no listener."""
    watched = rows(evidence, "connections", "watched") if runs(evidence) else []
    return [
        str(row.get("port"))
        for row in watched
        if row.get("listens") is False and failed_on(evidence, row.get("published_as"))
    ]


def failed_on(evidence: Evidence, port: object) -> bool:
    """Whether a service on this port of the host failed."""
    return port is not None and any(port_of(row) == port for row in failed(evidence))


def port_of(row: Mapping[str, object]) -> int | None:
    """Return the port of a reading, None where it is of none; services are called NAME:PORT."""
    name, _, port = str(row.get("service")).rpartition(":")
    return int(port) if name and port.isdecimal() else None
