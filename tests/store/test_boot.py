"""Moments that outlive a process, moved from the steady clock they were read on to today's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.codec import moved
from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Now
from mailwatch.core.state import (
    Attempt,
    Failure,
    Hold,
    Incident,
    Left,
    Outcome,
    Reason,
    Stage,
    State,
    TargetMemory,
)
from mailwatch.store.boot import shift_s

_WALL = 1.7e9


def _at(steady: float) -> Now:
    return Now(steady, _WALL + steady)


_FAILURE = (Failure("SMTP:25", Fault.SILENT, words("no greeting within 5 s")),)

# Every field that may hold a moment holds one, each a different one.
_FULL = State(
    stage=Stage.SETTLING,
    incident=Incident(
        id="20240101T000000Z",
        since=_at(100),
        opened=_at(101),
        failures=_FAILURE,
        first_failures=_FAILURE,
        cause_after=1,
        called_for=("SMTP:25",),
        attempts=(
            Attempt(
                1,
                _at(102),
                _WALL,
                Outcome.FAILED,
                words("x"),
                _at(103),
                Left("a", _WALL),
                sharers=("b",),
            ),
        ),
        holds=(Hold(Reason.BACKOFF, until=5000.0),),
        unsure=_at(104),
        escalated=_at(104),
        reminded=_at(105),
        closed=_at(106),
        unwatched=("IMAPS:993",),
    ),
    failing_since=_at(107),
    due=4000.0,
    targets=(
        TargetMemory("docker:x", True, _at(108), (_at(109), _at(110)), 2, _at(111), _at(112)),
    ),
    last_id="20240101T000000Z",
    dropped_apart=True,
    booted=_at(113),
)


def _steady_moments(value: object) -> Iterator[float]:
    """Yield every steady number in `value`, found by walking it rather than by knowing it."""
    if isinstance(value, Now):
        yield value.steady
    elif isinstance(value, Hold):
        assert value.until is not None
        yield value.until
    elif isinstance(value, tuple):
        for item in value:
            yield from _steady_moments(item)
    elif is_dataclass(value):
        for field in fields(value):
            item = getattr(value, field.name)
            if field.name == "due":
                yield item
            else:
                yield from _steady_moments(item)


def _walls(value: object) -> Iterator[float]:
    if isinstance(value, Now):
        yield value.wall
    elif isinstance(value, tuple):
        for item in value:
            yield from _walls(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _walls(getattr(value, field.name))


def test_the_sample_leaves_no_field_empty() -> None:
    """A field added to the state must be added to the sample, so that its rebasing is tested."""
    incident = _FULL.incident
    assert incident is not None
    empty_by_nature = {"target", "cause", "held_told", "opened_told"}
    for value in (_FULL, incident, incident.attempts[0]):
        for field in fields(value):
            if field.name not in empty_by_nature:
                assert getattr(value, field.name) not in (None, (), ""), field.name


@given(
    booted=st.floats(0, 1e6),
    away=st.floats(-1e8, 1e8),
)
def test_after_a_reboot_every_moment_moves_alike(booted: float, away: float) -> None:
    """After a reboot every age grows by the time away, as the wall tells it, and never shrinks."""
    written = _at(200)
    now = Now(booted, written.wall + away)
    found = moved(_FULL, shift_s(written, now, same_boot=False))
    before = [200 - steady for steady in _steady_moments(_FULL)]
    after = [booted - steady for steady in _steady_moments(found)]
    assert len(before) == len(after) == 17
    grown = max(0.0, away)
    for old, new in zip(before, after, strict=True):
        assert abs(new - old - grown) < 1e-3
    assert list(_walls(found)) == list(_walls(_FULL))


@given(away=st.floats(0, 1e7), jump=st.floats(-1e9, 1e9))
def test_within_one_boot_no_jump_of_the_wall_clock_matters(away: float, jump: float) -> None:
    """A process that is started anew on the same boot goes on with the very same moments."""
    written = _at(200)
    now = Now(200 + away, written.wall + away + jump)
    assert moved(_FULL, shift_s(written, now, same_boot=True)) == _FULL


def test_a_steady_clock_that_went_back_proves_another_boot() -> None:
    """A wrong claim of the same boot is not believed against the clock."""
    written, now = _at(200), Now(50.0, _WALL + 200 + 30)
    assert shift_s(written, now, same_boot=True) == shift_s(written, now, same_boot=False) == -180


def test_a_wall_clock_that_went_back_counts_as_no_time_away() -> None:
    """A clock set back by a year can't bring back a budget, nor make a wait last a year."""
    now = Now(10.0, _WALL - 365 * 86400)
    found = moved(_FULL, shift_s(_at(200), now, same_boot=False))
    assert found.due == 10 + 3800
    assert found.target.restarts[-1].steady == 10 - 90
