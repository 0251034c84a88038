"""Whether the service may read what shows the cause of an outage, and what it could not read."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.diagnosis import Diagnosis, Grade, ok, warning
from mailwatch.core.say import say
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.evidence import keeping
from mailwatch.host.unit import Unit
from mailwatch.store.views import LAST, StoreError, Views

HIDING = {
    "ProtectProc": (
        "default",
        "",
        "the processes of other users and the container's network from the service, so that a "
        "server that died inside its container is taken for a ban",
    ),
    "ProcSubset": ("all", "", "load, memory and pressure of the host from the service"),
}
"""Properties of a unit, the values that hide nothing, and what any other value hides."""


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give what is hidden from the service, and what it could not read at the last incident."""
    hidden = list(_hidden(case.unit)) if case.unit else []
    yield from hidden
    if not case.config.evidence.enabled:
        yield warning(
            "No evidence is gathered, so a restart destroys the traces of its cause.",
            "Set enabled = true in [evidence].",
        )
        return
    last = list(_last_look(case))
    yield from last
    if not hidden and not last:
        yield ok("Nothing is known to be hidden from the service when it looks for a cause.")


def _hidden(unit: Unit) -> Iterator[Diagnosis]:
    for name, (harmless, unset, what) in HIDING.items():
        if unit[name] not in (harmless, unset):
            yield warning(
                f"{name}={printable(unit[name])} hides {what}.",
                f"Set {name}={harmless} in `systemctl edit mailwatch`.",
            )


def _last_look(case: Case) -> Iterator[Diagnosis]:
    """Give what the newest incident's evidence lacks, each with the reason and what to do."""
    directory = case.config.state_directory
    try:
        incident = Views(directory).incident(LAST)
    except StoreError:
        return
    seen = keeping.findings(keeping.load(directory, incident.id)["before"])
    for collector, finding in seen.items():
        for what, why in finding.unreadable.items():
            # No warning: some things no unit may read, and the reason says who can.
            yield Diagnosis(
                Grade.OK,
                f"At the last incident {printable(collector)} could not read {printable(what)}.",
                f"The reason, and what helps: {printable(say(why), 300).rstrip('.')}.",
            )
