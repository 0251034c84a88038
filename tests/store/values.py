"""Strategies for everything that is kept, made of its type hints, so that no field is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.message import Message
from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import OPEN, Incident, Stage, State

T = TypeVar("T")

_texts = st.text(max_size=40)
_numbers = st.floats(-1e9, 4e9)


def _fact_of(arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Fact]:
    named = st.dictionaries(
        _texts, arguments | st.lists(arguments, max_size=2).map(tuple), max_size=3
    )
    some = st.builds(lambda code, args: fact(code, **args), st.text(min_size=1, max_size=9), named)
    return some | st.just(NOTHING)


_single = _texts | _numbers | st.integers() | st.booleans() | st.none()
facts = _fact_of(_single | _fact_of(_single))

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: _texts,
    int: st.integers(0, 2**40),
    bool: st.booleans(),
    float: _numbers,
    NoneType: st.none(),
    Fact: facts,
}


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of(inner[0])
    if origin is tuple:
        return st.lists(_of(inner[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(_of(inner[0]), max_size=3)
    if origin is Mapping:
        return st.dictionaries(_of(inner[0]), _of(inner[1]), max_size=3)
    if isinstance(hint, type):
        return st.sampled_from(list(hint)) if issubclass(hint, Enum) else every_field(hint)
    return st.one_of(*map(_of, inner))


def every_field(cls: type[T], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Build `cls` with a value for each field: that of `given`, or any that its type allows."""
    assert is_dataclass(cls)
    hints = get_type_hints(cls, include_extras=True)
    named = {field.name: given.get(field.name) for field in fields(cls)}
    assert set(given) <= set(named)
    return st.builds(cls, **{n: _of(hints[n]) if s is None else s for n, s in named.items()})


incidents = every_field(Incident, id=st.text(min_size=1, max_size=20), closed=st.none())


def states_in(stage: Stage) -> st.SearchStrategy[State]:
    """Return states in which an incident is open exactly when `stage` says so."""
    incident = incidents if stage in OPEN else st.none()
    return every_field(State, stage=st.just(stage), incident=incident)


states = st.sampled_from(Stage).flatmap(states_in)
messages = every_field(Message)
entries = every_field(QueuedMessage, not_before=_numbers | st.just(float("-inf")), ended=st.none())
notes_kept = every_field(Notes)
readings = every_field(
    Reading,
    service=st.text(min_size=1, max_size=10),
    verdict=st.just(Verdict.FAIL),
    fault=st.sampled_from(Fault),
    phases=st.dictionaries(st.sampled_from(Phase), st.floats(0, 1e6)),
    remembered=st.just(False),  # of the round that is over, which no history tells
    offence=st.none(),  # charged at once, and kept in the notes
    mask=st.none(),  # of what a round comes to, where the history has what was heard
    certificate_authority=st.just(""),  # of the newest round, like the next
    certificate_signed=st.none(),
)
