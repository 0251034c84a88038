"""Whether the Docker engine and the SDK of this host understand each other."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.text import printable
from mailwatch.docker.faults import EngineFault
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem


def examine(case: Case) -> Iterator[Finding]:
    """Give one finding, from a conversation with the engine."""
    found = case.engine
    if isinstance(found, EngineFault):
        yield problem(str(found))
        return
    engine, api, sdk = (printable(found[key], 40) for key in ("engine", "api", "sdk"))
    yield ok(f"Docker engine {engine} and SDK {sdk} understand each other (API {api}).")
