from __future__ import annotations

import pytest

from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Reading, Verdict


def test_a_reading_sums_its_phases() -> None:
    """The seconds of a conversation are those of all its phases; none were reached, none count."""
    assert Reading("SMTP:25", Verdict.UNMEASURED).seconds == 0
    phases = {"connect": 0.25, "greeting": 0.5}
    assert Reading("SMTP:25", Verdict.FAIL, Fault.SILENT, words("x"), phases).seconds == 0.75


@pytest.mark.parametrize(
    ("verdict", "fault"),
    [(Verdict.FAIL, None), (Verdict.PASS, Fault.RESET), (Verdict.UNMEASURED, Fault.RESET)],
)
def test_only_a_failure_has_a_fault(verdict: Verdict, fault: Fault | None) -> None:
    """A failure without a fault, or a fault without a failure, can't be built."""
    with pytest.raises(ValueError, match="no other reading has one"):
        Reading("SMTP:25", verdict, fault)
