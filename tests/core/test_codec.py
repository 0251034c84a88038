"""What the core remembers becomes plain JSON and comes back the same, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings

from mailwatch.core.codec import moved, plain, value_of
from mailwatch.core.facts import NOTHING, Fact, fact, words
from mailwatch.core.model import Condition, Now, Reading, Steady, TargetState, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident, State, TargetMemory
from tests.store.values import entries, incidents, notes_kept, readings, states


def again(value: object) -> object:
    """Return what is read of the text that `value` is written as, by the strictest of readers."""
    text = json.dumps(plain(value), allow_nan=False)
    return value_of(type(value), json.loads(text))


@given(states | incidents | notes_kept | entries | readings)
@settings(max_examples=300)
def test_every_value_comes_back(value: State | Incident | Notes | QueuedMessage | Reading) -> None:
    """State, Incident, Notes, QueuedMessage and Reading are equal after they were text."""
    assert again(value) == value


def test_what_a_restarter_saw_comes_back() -> None:
    """Numbers as names of a mapping, and sets, have a form as well."""
    seen = TargetState(
        Condition.STOPPED, words("It ended."), 5.0, None, "1a", "172.17.0.1", {25: True, 993: False},  # noqa: E501
        frozenset({443, 25}), frozenset({7}), 12.5, {"Config": {"Env": ["KEY=secret"]}},
    )  # fmt: skip
    assert "secret" not in json.dumps(plain(seen)), "what the engine says is never kept"
    assert again(seen) == seen
    assert plain(seen)["elsewhere"] == [25, 443]


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment at each place where one can be."""

    alone: Steady
    wall: float
    at: Now
    maybe: Steady | None = None
    several: tuple[Now, ...] = ()
    named: Mapping[str, Now] = field(default_factory=dict)
    about: Fact = NOTHING


def test_every_moment_on_the_steady_clock_is_moved_and_nothing_else() -> None:
    """Wall numbers, durations in a fact and empty places stay as they were."""
    about = fact("slow", waited_s=5.0)
    one = Sample(1.0, 2.0, Now(3.0, 4.0), None, (Now(5.0, 6.0),), {"a": Now(7.0, 8.0)}, about)
    assert moved(one, 10.0) == Sample(
        11.0, 2.0, Now(13.0, 4.0), None, (Now(15.0, 6.0),), {"a": Now(17.0, 8.0)}, about
    )
    assert moved(Sample(float("-inf"), 0.0, Now(0, 0), 1.0), 1.0).maybe == 2.0
    assert moved(one, 0.0) is one


def test_a_value_of_another_version_is_read_as_far_as_it_goes() -> None:
    """What is not known is ignored, what is not there takes its default."""
    found = {"alone": 1, "wall": 2, "at": {"steady": 3, "wall": 4, "zone": "UTC"}, "colour": "red"}
    assert value_of(Sample, found) == Sample(1.0, 2.0, Now(3.0, 4.0))


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Now, None),
        (Now, []),
        (Now, {"steady": 1.0}),
        (Now, {"steady": "1", "wall": 1.0}),
        (Now, {"steady": True, "wall": 1.0}),
        (Now, {"steady": 10**400, "wall": 1.0}),
        (State, {"stage": "asleep"}),
        (State, {"stage": []}),
        (TargetMemory, {"key": "a:b", "streak": 1.5}),
        (TargetMemory, {"key": "a:b", "restarts": {}}),
        (TargetMemory, {"key": "a:b", "restarts": [None]}),
        (Notes, {"proven": {"passed": [["SMTP:25", "a"]]}}),
        (Reading, {"service": "SMTP:25", "verdict": "fail"}),
        (Fact, {"code": 7}),
        (Fact, {"args": []}),
    ],
)
def test_nonsense_is_refused(kind: type, found: Any) -> None:
    """No value comes of it, and no other error than ValueError."""
    with pytest.raises(ValueError, match=r"."):
        value_of(kind, found)


def test_what_goes_too_deep_is_refused() -> None:
    """A file that was made to exhaust the stack is nonsense like any other."""
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match=r"."):
        value_of(Fact, {"code": "a", "args": {"b": deep}})


def test_what_has_no_form_is_a_mistake_of_ours() -> None:
    """Verdicts have one; a mere object has not."""
    assert plain(Verdict.PASS) == "pass"
    with pytest.raises(TypeError, match="no plain form"):
        plain(object())
