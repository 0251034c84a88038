from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.deadline import Deadline, DeadlineExpired


class _Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_left_shrinks_with_the_clock_and_then_raises() -> None:
    """It's asked before every wait, and has a positive answer or none."""
    clock = _Clock()
    deadline = Deadline.after(5, clock)
    assert deadline.remaining() == 5
    clock.now += 4.5
    assert deadline.remaining() == 0.5
    clock.now += 0.5
    with pytest.raises(DeadlineExpired, match="time for this has run out"):
        deadline.remaining()


def test_an_expired_deadline_is_a_timeout() -> None:
    """Whoever catches TimeoutError for sockets catches it too."""
    assert issubclass(DeadlineExpired, TimeoutError)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_sooner_deadline_never_prolongs(whole: float, part: float) -> None:
    """A step of a conversation can shorten its time, not stretch it."""
    deadline = Deadline.after(whole, _Clock())
    assert deadline.sooner(part).at == min(deadline.at, 100.0 + part)


def test_a_peer_that_drips_cannot_stretch_the_whole() -> None:
    """However often it's asked, the end stays where it was."""
    clock = _Clock()
    deadline = Deadline.after(10, clock)
    steps = 0
    while not deadline.expired:
        deadline.sooner(3).remaining()
        clock.now += 1
        steps += 1
    assert steps == 10
