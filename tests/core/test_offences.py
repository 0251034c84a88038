"""What a server may hold against us in a day, and how fast it is connected to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mailwatch.core.codec import plain, value_of
from mailwatch.core.keys import DAY_S
from mailwatch.core.model import Now, Offence
from mailwatch.core.offences import Manner, OffenceBudget, look, server_of
from mailwatch.core.pace import WINDOW_S, Pace
from tests.core.messages import VM as INSTALLATION

NOW = Now(1000.0, 2_000_000_000.0)
LATER = Now(NOW.steady + DAY_S, NOW.wall + DAY_S)


def _asked(
    budget: OffenceBudget, way: str, now: Now = NOW, *, proven: bool = True, again: bool = False
) -> Manner:
    return budget.manner("localhost", way, now, 10, proven=proven, again=again)


def test_a_day_of_refused_logins() -> None:
    """Ten are borne; then that login alone is left out, until the day is over."""
    budget = OffenceBudget()
    for _ in range(10):
        assert _asked(budget, "a") is Manner.FREE
        budget = budget.charge("localhost", Offence.LOGIN, "a", NOW)
    assert _asked(budget, "a") is Manner.WITHOUT_LOGIN
    assert _asked(budget, "b") is Manner.FREE
    assert _asked(budget, "b", proven=False) is Manner.CAREFUL
    assert _asked(budget, "a", LATER) is Manner.FREE


def test_what_is_dear_is_not_begun_without_enough_left() -> None:
    """A third TLS hello to a plain mail port would cost more than there is."""
    budget = OffenceBudget().charge("localhost", Offence.INTRUSION, "a", NOW)
    assert _asked(budget, "a") is Manner.CAREFUL
    budget = budget.charge("localhost", Offence.COMMAND, "b", NOW)
    assert _asked(budget, "a") is Manner.LISTENING
    assert _asked(budget.absolve("localhost", "a"), "a") is Manner.FREE


@pytest.mark.parametrize(
    ("offence", "manner", "tried"),
    [
        (Offence.LOGIN, Manner.FREE, 29),
        (Offence.MISMATCH, Manner.CAREFUL, 29),
        (Offence.INTRUSION, Manner.LISTENING, 2),
    ],
)
def test_what_was_too_much_is_tried_once_more(offence: Offence, manner: Manner, tried: int) -> None:
    """That is drawn on the day too, which stays below what servers ban for; no intrusion is."""
    budget, count = OffenceBudget(), 0
    while (asked := _asked(budget, "a", again=True)) in (Manner.FREE, Manner.CAREFUL):
        if count >= 10:
            assert asked is manner
            assert _asked(budget, "a") not in (Manner.FREE, Manner.CAREFUL)
        budget, count = budget.charge("localhost", offence, "a", NOW), count + 1
    assert count == tried


def test_it_is_told_once_a_day() -> None:
    """The notice comes with the last offence, and the day is forgotten once it is over."""
    budget = OffenceBudget()
    for _ in range(10):
        budget, before = look(budget, NOW, INSTALLATION, 10)
        assert not before
        budget = budget.charge("localhost", Offence.LOGIN, "a", NOW)
    budget, (told,) = look(budget, NOW, INSTALLATION, 10)
    assert "localhost" in told.body
    assert value_of(OffenceBudget, plain(budget)) == budget
    assert look(budget, NOW, INSTALLATION, 10) == (budget, ())
    assert look(budget, LATER, INSTALLATION, 10) == (OffenceBudget(), ())


def test_a_server_by_its_address() -> None:
    """All of loopback is one server, and a name is one in any case."""
    assert {server_of(host) for host in ("127.0.0.1", "::1", "localhost")} == {"localhost"}
    assert server_of("Mail.Example.org.") == "mail.example.org"


@given(some.lists(some.floats(0, 5), max_size=40), some.integers(1, 5))
def test_no_second_has_too_many_connections(pauses: list[float], at_most: int) -> None:
    """Whenever they are asked for, no turn comes early, and none too soon after the others."""
    pace, now, turns = Pace(), 0.0, []
    for pause in pauses:
        now += pause
        pace, turn = pace.book("mail", now, at_most)
        assert turn >= now
        turns.append(turn)
    for first, later in zip(turns, turns[at_most:], strict=False):
        assert later - first > WINDOW_S
