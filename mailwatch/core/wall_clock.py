"""Whether the wall clock can be right: while it cannot, nothing is judged by a certificate's dates.

A clock that NTP has set is right. Any other may be off by a year after a reset, a restored machine
or a slip of a hand. That shows where it is behind this program, or where it is not where the last
moment at which it was believed, and the steady clock since then, would have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Fault, Now, Reading, Verdict

DAY_S = 86_400.0

WRITTEN = 1_790_000_000.0
"""September 2026: this program is no older."""

APART_S = DAY_S
"""A clock that is set right while a host runs mostly moves by less."""

UNSEEN_S = 30 * DAY_S
"""No host is mostly off for longer, and a certificate in use is mostly renewed by then."""

STANDING_S = 7 * DAY_S
"""A clock that nobody sets for so long is believed: no NTP need reach this host."""


@dataclass(frozen=True, slots=True)
class ClockHistory:
    """What is kept of it.

    It was believed at `believed`, and ever `since` then; it is not where that would have it since
    `doubted`.
    """

    believed: Now | None = None
    since: Now | None = None
    doubted: Now | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the wall clock is to be trusted."""

    why_not: Fact = NOTHING
    """Why not at all, NOTHING where it may be right."""
    proven: bool = True
    """Whether it is synchronised, or has run for long enough."""


def look(before: ClockHistory, now: Now, synchronised: bool | None) -> tuple[ClockHistory, Trust]:
    """Return what is to be kept at `now`, `before` itself as a rule, and how far to trust."""
    if synchronised:
        return _believed(before, now), Trust()
    if now.wall < WRITTEN:
        return before, Trust(fact("clock-before-written"), proven=False)
    if why := _why_not(before.believed, now):
        doubted = before.doubted
        if doubted is None or abs(_drift_s(doubted, now)) > APART_S:
            doubted = now
        if now.steady - doubted.steady < STANDING_S:
            return replace(before, doubted=doubted), Trust(why, proven=False)
        before = ClockHistory(since=doubted)
    after = _believed(before, now)
    stands_s = now.steady - after.since.steady if after.since else 0.0
    return after, Trust(proven=stands_s >= STANDING_S)


def suspended(before: ClockHistory, seconds: float) -> ClockHistory:
    """Return `before` after the host slept for `seconds`, which the steady clock does not show."""
    moments = (before.believed, before.since, before.doubted)
    return ClockHistory(*(one and replace(one, steady=one.steady - seconds) for one in moments))


def sift(readings: Sequence[Reading], trust: Trust, now: Now) -> tuple[Reading, ...]:
    """Return `readings`, in which a certificate that only a doubtful clock refuses is unmeasured.

    One that had ended before this program was written is refused by any clock.
    """
    return tuple(
        _unmeasured(one, why) if (why := _doubt(one, trust, now)) else one for one in readings
    )


def blind(readings: Sequence[Reading], trust: Trust, ending: Sequence[str]) -> tuple[Reading, ...]:
    """Return `readings`, in which the services in `ending` could not be looked at.

    Those have a certificate that seems to end; of one whose clock is wrong nobody knows that.
    """
    if not trust.why_not:
        return tuple(readings)
    return tuple(
        _unmeasured(one, trust.why_not)
        if one.service in ending and one.verdict is Verdict.PASS
        else one
        for one in readings
    )


def _doubt(reading: Reading, trust: Trust, now: Now) -> Fact:
    """Return why the clock may be what refuses the certificate of `reading`, NOTHING if not."""
    if reading.fault is not Fault.CERTIFICATE or trust == Trust():
        return NOTHING
    ended_s, begins_s = reading.detail.get("ended_s"), reading.detail.get("begins_s")
    if isinstance(ended_s, float) and now.wall - ended_s >= WRITTEN:
        if trust.why_not or trust.proven or ended_s < UNSEEN_S:
            return trust.why_not
        return fact("clock-ahead-of-certificate")
    if isinstance(begins_s, float):
        return trust.why_not or (NOTHING if trust.proven else fact("clock-behind-certificate"))
    return NOTHING


def _unmeasured(reading: Reading, why: Fact) -> Reading:
    detail = fact("clock-doubted", why=why)
    return replace(reading, verdict=Verdict.UNMEASURED, fault=None, detail=detail, mask=None)


def _believed(before: ClockHistory, now: Now) -> ClockHistory:
    last, since = before.believed, before.since
    is_old = last is None or now.steady - last.steady >= DAY_S or abs(_drift_s(last, now)) > APART_S
    if not is_old and before.doubted is None:
        return before
    return ClockHistory(now, since or now)


def _why_not(last: Now | None, now: Now) -> Fact:
    if last is None:
        return NOTHING
    drift_s, passed_s = _drift_s(last, now), now.steady - last.steady
    if abs(drift_s) > APART_S:
        code = "clock-went-ahead" if drift_s > 0 else "clock-went-back"
        return fact(code, by_s=abs(drift_s) // DAY_S * DAY_S)
    if passed_s > UNSEEN_S:
        return fact("clock-long-unseen", passed_s=passed_s // DAY_S * DAY_S)
    return NOTHING


def _drift_s(then: Now, now: Now) -> float:
    return (now.wall - then.wall) - (now.steady - then.steady)
