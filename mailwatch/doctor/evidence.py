"""Whether the service may read what shows the cause of an outage, and what it could not read."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, Grade, ok, warning
from mailwatch.core.evidence import unreadable
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.evidence import keeping
from mailwatch.host.identity import answer_of, owner_of
from mailwatch.store.views import LAST, StoreError, Views

HIDING = {
    "ProtectProc": (
        "default",
        "the processes of other users, and what listens for the mail server, from the service, so "
        "that one that has died is taken for a ban",
    ),
    "ProcSubset": ("all", "load, memory and pressure of the host from the service"),
}
"""Properties of a unit, the value that hides nothing, and what any other hides."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is hidden from the service, and what it could not read at the last incident."""
    found = list(_hidden(case))
    if case.config.evidence.enabled:
        found += _last_look(case)
    else:
        sentence = "No evidence is gathered, so a restart destroys the traces of its cause."
        found.append(warning(sentence, "Set enabled = true in [evidence]."))
    yield from found
    if not found:
        yield ok("Nothing is known to be hidden from the service when it looks for a cause.")


def _hidden(case: Case) -> Iterator[Diagnosis]:
    for name, (harmless, what) in HIDING.items():
        if case.unit is not None and case.unit[name] not in (harmless, ""):
            yield warning(
                f"{name}={printable(case.unit[name])} hides {what}.",
                f"Set {name}={harmless} in `systemctl edit mailwatch`.",
            )


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
        sentence = f"At the last incident this could not be read: {printable(what)}."
        yield Diagnosis(Grade.OK, sentence, printable(why, 300))
