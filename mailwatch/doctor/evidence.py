"""Whether the service may read what shows the cause of an outage, and what it could not read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, ok, warning
from mailwatch.core.evidence import unreadable
from mailwatch.core.facts import fact, words
from mailwatch.doctor.case import Case
from mailwatch.evidence import keeping
from mailwatch.host.identity import answer_of, owner_of
from mailwatch.store.views import LAST, StoreError, Views

HIDING = {"ProtectProc": "default", "ProcSubset": "all"}
"""Properties of a unit, and the value that hides nothing."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is hidden from the service, and what it could not read at the last incident."""
    found = list(_hidden(case))
    if case.config.evidence.enabled:
        found += _last_look(case)
    else:
        found.append(warning("evidence-off"))
    yield from found
    if not found:
        yield ok("evidence-open")


def _hidden(case: Case) -> Iterator[Diagnosis]:
    for name, harmless in HIDING.items():
        if case.unit is not None and case.unit[name] not in (harmless, ""):
            cure = fact("unhide", name=name, harmless=harmless)
            yield warning(f"hidden-{name.lower()}", cure, value=case.unit[name])


def _last_look(case: Case) -> Iterator[Diagnosis]:
    """Give what the newest incident's evidence lacks, each with the reason and what to do."""
    directory = case.config.state_directory

    def unread() -> bytes:
        incident = Views(directory).incident(LAST)
        seen = keeping.findings(keeping.load(directory, incident.id)["before"])
        return json.dumps(unreadable(seen)).encode("ascii")

    try:
        said = json.loads(answer_of(owner_of(directory), unread, (StoreError,)))
        found = [(str(what), str(why)) for what, why in said]
    except (StoreError, ChildProcessError, ValueError, TypeError, RecursionError):
        return
    for what, why in found:
        # No warning: some things no unit may read, and the reason says who can.
        yield ok("evidence-lacked", words(why), what=what)
