"""What the doctor says of the evidence: what is hidden from the service, and what it missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwatch.core.diagnosis import Grade
from mailwatch.core.evidence import Finding as Seen
from mailwatch.core.facts import words
from mailwatch.core.model import Now
from mailwatch.core.state import Incident, Stage, State
from mailwatch.doctor import evidence
from mailwatch.doctor.case import Case
from mailwatch.evidence import keeping
from mailwatch.host.unit import Unit
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore

MakeCase = Callable[..., Case]
OPEN = Unit({"ProtectProc": "default", "ProcSubset": "all"})


def test_nothing_hidden_and_no_incident_yet(case: MakeCase) -> None:
    """The unit as it is shipped hides nothing that is known."""
    (finding,) = evidence.examine(case(unit=OPEN))
    assert finding.grade is Grade.OK


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [("ProtectProc", "invisible", "ProtectProc=default"), ("ProcSubset", "pid", "ProcSubset=all")],
)
def test_a_tightened_sandbox_is_named_with_its_cure(
    name: str, value: str, cure: str, case: MakeCase
) -> None:
    """Each property that hides something is a warning of its own, with the value that helps."""
    unit = Unit({**OPEN.properties, name: value})
    (finding,) = evidence.examine(case(unit=unit))
    assert finding.grade is Grade.WARNING
    assert finding.sentence.startswith(f"{name}={value} hides ")
    assert cure in finding.cure


def test_what_is_hidden_matters_without_evidence_too(case: MakeCase) -> None:
    """The judgement asks what listens in the container, whether or not anything is kept."""
    unit = Unit({**OPEN.properties, "ProtectProc": "invisible"})
    hidden, _disabled = evidence.examine(case({"evidence.enabled": "false"}, unit=unit))
    assert "taken for a ban" in hidden.sentence


def test_what_the_last_incident_lacks_is_told_with_the_reason(
    case: MakeCase, tmp_path: Path
) -> None:
    """A gap in the evidence is found before the next outage, not by it."""
    now = Now(time.monotonic(), time.time())
    incident = Incident("20261122T031402Z", now, now, (), ())
    store = SqliteStore(tmp_path, pytest.fail)
    store.restore(now)
    store.commit(Commit(State(Stage.DOWN, incident), now))
    store.close()
    seen = {
        "clock": Seen({}, {"synchronised": words("adjtimex is forbidden: timedatectl shows it")})
    }
    keeping.save(tmp_path, incident.id, "before", seen)
    (finding,) = evidence.examine(case(unit=OPEN))
    assert finding.grade is Grade.OK
    assert finding.sentence == "At the last incident this could not be read: clock (synchronised)."
    assert "timedatectl shows it." in finding.cure


def test_evidence_that_is_switched_off_is_a_warning(case: MakeCase) -> None:
    """Whoever runs without a black box is told what that costs."""
    (finding,) = evidence.examine(case({"evidence.enabled": "false"}, unit=OPEN))
    assert finding.grade is Grade.WARNING
    assert "destroys the traces" in finding.sentence
