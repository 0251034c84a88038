"""The table of checks: a new one is one function and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mailwatch.core.diagnosis import Diagnosis, problem
from mailwatch.doctor import channels, clock, configuration, evidence, files, service, services
from mailwatch.doctor.case import Case
from mailwatch.restarters import catalogue as restarters

CHECKS: tuple[tuple[str, Callable[[Case], Iterable[Diagnosis]]], ...] = (
    ("configuration", configuration.examine),
    ("files", files.examine),
    ("services", services.examine),
    ("certificates", services.examine_certificates),
    ("probes", services.examine_probes),
    ("restart", lambda case: restarters.examine(case.config.restart, case)),
    ("channels", channels.examine),
    ("service", service.examine),
    ("state", files.examine_state),
    ("evidence", evidence.examine),
    ("clock", clock.examine),
)
"""Each check by the name that it is reported under, in the order of the report."""


def examine(case: Case) -> Iterator[tuple[str, Diagnosis]]:
    """Run every check, and give each finding with its name as soon as it is there."""
    for name, check in CHECKS:
        try:
            for finding in check(case):
                yield finding.check or name, finding
        except Exception as error:  # noqa: BLE001  a bug in one check must not hide the others
            # The type alone: the text of an unforeseen exception may hold anything.
            yield name, problem("check-broke", error=type(error).__name__)
