"""When the wall clock is believed, and which certificates are judged by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.wall_clock import (
    DAY_S,
    STANDING_S,
    WRITTEN,
    ClockHistory,
    Trust,
    blind,
    look,
    sift,
    suspended,
)

START = Now(1000.0, WRITTEN + 60 * DAY_S)
RIGHT, DOUBTED = Trust(), Trust(fact("clock-before-written"), proven=False)
UNPROVEN = Trust(proven=False)


def _later(passed_s: float, jumped_s: float = 0.0) -> Now:
    return Now(START.steady + passed_s, START.wall + passed_s + jumped_s)


def _seen(synchronised: bool | None = False) -> ClockHistory:
    """Return what is kept of a clock that was believed at START."""
    return look(ClockHistory(), START, synchronised)[0]


def _refused(**args: float) -> Reading:
    code = "certificate-expired" if "ended_s" in args else "certificate-not-yet"
    return Reading("IMAPS:993", Verdict.FAIL, Fault.CERTIFICATE, fact(code, why="no", **args))


@pytest.mark.parametrize("synchronised", [False, None])
@pytest.mark.parametrize(
    ("now", "code"),
    [
        (_later(120), ""),
        (_later(120, 3600), ""),
        (_later(120, -3600), ""),
        (_later(120, 400 * DAY_S), "clock-went-ahead"),
        (_later(120, -40 * DAY_S), "clock-went-back"),
        (_later(120, -400 * DAY_S), "clock-before-written"),
        (_later(20 * DAY_S), ""),
        (_later(400 * DAY_S), "clock-long-unseen"),
    ],
)
def test_a_clock_that_is_not_where_it_should_be_is_doubted(
    now: Now, code: str, synchronised: bool | None
) -> None:
    """Ahead or behind, within one boot or after a time that nobody saw; NTP knows better."""
    assert look(_seen(), now, synchronised)[1].why_not.code == code
    assert look(_seen(), now, True)[1] == RIGHT


def test_what_is_kept_changes_once_a_day() -> None:
    """Each change of it is written to the disk."""
    known = _seen()
    assert look(known, _later(3600), False)[0] is known
    assert look(known, _later(DAY_S), False)[0] == ClockHistory(_later(DAY_S), START)


def test_a_doubted_clock_that_nobody_sets_is_believed_in_the_end() -> None:
    """Where no NTP is, somebody may have set it right by hand; each jump begins the doubt anew."""
    known, year_s = _seen(), 400 * DAY_S
    for passed_s, jumped_s, doubted in (
        (120, year_s, True),
        (STANDING_S, year_s, True),
        (STANDING_S + 120, year_s, False),
        (STANDING_S + 240, year_s, False),
        (STANDING_S + 360, 0, True),
        (STANDING_S + 480, 2 * year_s, True),
        (2 * STANDING_S + 400, 2 * year_s, True),
        (2 * STANDING_S + 480, 2 * year_s, False),
    ):
        known, trust = look(known, _later(passed_s, jumped_s), False)
        assert bool(trust.why_not) is doubted


def test_a_clock_that_was_set_right_is_believed_at_once() -> None:
    """The first word of NTP ends the doubt, and what is kept is what it says."""
    known, _ = look(_seen(), _later(120, -40 * DAY_S), False)
    known, trust = look(known, _later(240, -40 * DAY_S), True)
    assert trust == RIGHT
    assert look(known, _later(360, -40 * DAY_S), False)[1].why_not == fact("")


def test_a_host_that_slept_has_a_clock_that_is_right() -> None:
    """The steady clock stands still meanwhile, and that is no jump of the other."""
    slept_s = 3 * DAY_S
    assert look(_seen(), _later(120, slept_s), False)[1].why_not
    assert not look(suspended(_seen(), slept_s), _later(120, slept_s), False)[1].why_not


@pytest.mark.parametrize(
    ("reading", "trust", "measured"),
    [
        (_refused(ended_s=DAY_S), RIGHT, True),
        (_refused(ended_s=DAY_S), UNPROVEN, True),
        (_refused(ended_s=DAY_S), DOUBTED, False),
        (_refused(ended_s=40 * DAY_S), RIGHT, True),
        (_refused(ended_s=40 * DAY_S), UNPROVEN, False),
        (_refused(ended_s=400 * DAY_S), UNPROVEN, True),
        (_refused(ended_s=400 * DAY_S), DOUBTED, True),
        (_refused(begins_s=DAY_S), RIGHT, True),
        (_refused(begins_s=DAY_S), UNPROVEN, False),
        (_refused(begins_s=DAY_S), DOUBTED, False),
        (replace(_refused(ended_s=DAY_S), fault=Fault.SILENT), DOUBTED, True),
        (replace(_refused(), detail=fact("certificate-refused", why="no")), DOUBTED, True),
    ],
)
def test_a_certificate_is_refused_only_by_a_clock_that_can_be_right(
    reading: Reading, trust: Trust, measured: bool
) -> None:
    """One that had ended before mailwatch was written is refused by any clock at all."""
    (found,) = sift([reading], trust, START)
    if measured:
        assert found is reading
    else:
        assert (found.verdict, found.detail.code) == (Verdict.UNMEASURED, "clock-doubted")


def test_nobody_knows_what_ends_soon_by_a_wrong_clock() -> None:
    """What passes is blind for its certificate's end alone, and a failure stays one."""
    well = [Reading("IMAPS:993", Verdict.PASS), Reading("SMTPS:465", Verdict.PASS)]
    down = Reading("HTTPS:443", Verdict.FAIL, Fault.SILENT, Fact("x"))
    readings, ending = [*well, down], ["IMAPS:993", "HTTPS:443"]
    assert blind(readings, UNPROVEN, ending) == tuple(readings)
    first, *others = blind(readings, DOUBTED, ending)
    assert first.verdict is Verdict.UNMEASURED
    assert others == readings[1:]
