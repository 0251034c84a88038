"""A process that stood still: how that shows, and what a round of that time is worth.

A stopped process, a suspended machine and a starved cgroup look alike: a wait lasts longer than it
was asked to, and every deadline passes although nobody was late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailwatch.core.facts import fact
from mailwatch.core.model import Reading, Verdict

BEAT_S = 0.25
"""The longest wait of the loop while anything with a deadline is under way."""

NOISE_S = 0.25
"""A wait that ends less late than this is a busy host's, and no time was lost."""

LOST_S = 1.0
"""A round that lost more than this is not worth judging, as long as they are few."""

JUDGED_FROM = 3
"""So many such rounds in a row, and they are judged: a starved host would never heal."""


def lost(asked_s: float, passed_s: float) -> float:
    """Return the seconds that were lost in a wait of at most `asked_s` that took `passed_s`."""
    late_s = passed_s - asked_s
    return late_s if late_s >= NOISE_S else 0.0


def unmeasured(readings: Sequence[Reading], lost_s: float) -> tuple[Reading, ...]:
    """Return `readings` of a round that lost `lost_s`: a pass is one, a failure says nothing."""
    why = fact("stood-still", lost_s=lost_s)
    return tuple(
        replace(one, verdict=Verdict.UNMEASURED, fault=None, detail=why, mask=None)
        if one.verdict is Verdict.FAIL
        else one
        for one in readings
    )
