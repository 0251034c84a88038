"""Whatever the core can say, the file can hold: every field of every value comes back."""

from __future__ import annotations

import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.facts import NOTHING
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Mask, Now, Phase, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.rate_limit import RateLimit, Told
from mailwatch.core.state import (
    OPEN,
    Attempt,
    Failure,
    Hold,
    Incident,
    Outcome,
    Reason,
    Stage,
    State,
)
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.sqlite import SqliteStore
from mailwatch.store.views import Views

T = TypeVar("T")

seconds = st.floats(-1e9, 1e9)
walls = st.floats(0, 4e9)
moments = st.builds(Now, seconds, walls)
texts = st.text(max_size=40)


def every_field(cls: type[T], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Build `cls` with a strategy for each field, so that a new field fails here by name."""
    named = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    assert set(given) == named, f"{cls.__name__}: {set(given) ^ named}"
    return st.builds(cls, **given)


failures = every_field(
    Failure,
    service=texts,
    fault=st.sampled_from(Fault),
    detail=texts,
    mask=st.none() | st.sampled_from(Mask),
)
holds = every_field(
    Hold,
    reason=st.sampled_from(Reason),
    target=texts,
    until=st.none() | seconds,
    seen_as=texts,
    services=st.lists(texts, max_size=3).map(tuple),
)
attempts = every_field(
    Attempt,
    number=st.just(0),
    begun=moments,
    started_at=st.none() | walls,
    outcome=st.sampled_from(Outcome),
    detail=texts,
    ended=st.none() | moments,
)
incidents = every_field(
    Incident,
    id=st.text(min_size=1, max_size=20),
    since=moments,
    opened=moments,
    failures=st.lists(failures, max_size=3).map(tuple),
    first_failures=st.lists(failures, max_size=3).map(tuple),
    target=texts,
    cause=texts,
    attempts=st.lists(attempts, max_size=3).map(
        lambda found: tuple(replace(a, number=n) for n, a in enumerate(found, 1))
    ),
    hold=st.none() | holds,
    held_told=st.booleans(),
    opened_told=st.booleans(),
    escalated=st.none() | moments,
    reminded=st.none() | moments,
    closed=st.none(),
)


def states_in(stage: Stage) -> st.SearchStrategy[State]:
    """Return states in which an incident is open exactly when `stage` says so."""
    return every_field(
        State,
        stage=st.just(stage),
        incident=incidents if stage in OPEN else st.none(),
        failing_since=st.none() | moments,
        starting_since=st.none() | moments,
        due=st.none() | seconds,
        restarts=st.lists(moments, max_size=4).map(tuple),
        streak=st.integers(0, 2**40),
        last_attempt_ended=st.none() | moments,
        last_cure=st.none() | moments,
        target_seen=st.booleans(),
        target=texts,
        last_id=texts,
        dropped_apart=st.booleans(),
    )


states = st.sampled_from(Stage).flatmap(states_in)
messages = every_field(
    Message,
    topic=st.sampled_from(Topic),
    title=texts,
    body=texts,
    severity=st.sampled_from(Severity),
    subject=st.just(NOTHING),
    failures=st.just(()),
    cause=st.just(NOTHING),
    action=st.just(NOTHING),
    since=st.none(),
    at=walls,
    incident=texts,
)
entries = every_field(
    QueuedMessage,
    id=st.just(0),
    message=messages,
    tries=st.integers(0, 2**40),
    not_before=seconds | st.just(float("-inf")),
    parked=st.booleans(),
    trouble=texts,
)
ledgers = every_field(
    RateLimit,
    told=st.lists(
        every_field(Told, at=moments, notices=st.lists(texts, max_size=2).map(tuple)), max_size=3
    ).map(tuple),
    held=st.lists(messages, max_size=3).map(tuple),
    called=texts,
)
warnings = every_field(
    Certificates,
    told=st.dictionaries(
        texts, every_field(Warned, at=moments, renewed=st.booleans(), expires=st.none() | walls)
    ),
)
blindnesses = st.dictionaries(texts, moments).map(
    lambda since: UnmeasuredServices(since, frozenset(since))
)
provens = every_field(KnownGood, passed=st.dictionaries(texts, texts))
notes_kept = every_field(
    Notes,
    rate_limit=ledgers,
    certificates=warnings,
    proven=provens,
    unmeasured_services=blindnesses,
)
readings = every_field(
    Reading,
    service=st.text(min_size=1, max_size=10),
    verdict=st.just(Verdict.FAIL),
    fault=st.sampled_from(Fault),
    detail=texts,
    phases=st.dictionaries(st.sampled_from(Phase), st.floats(0, 1e6)),
    certificate_expires=st.none() | walls,
    remembered=st.just(False),  # of the round that is over, which no history tells
    mask=st.none(),  # of what a round comes to, where the history has what was heard
)


@given(
    states,
    st.lists(messages, max_size=3),
    st.lists(entries, max_size=3),
    notes_kept,
)
@settings(max_examples=150, deadline=None)
def test_every_value_comes_back(
    state: State,
    told: list[Message],
    kept: list[QueuedMessage],
    notes: Notes,
) -> None:
    """State, entries and all else that is kept are equal after a new start in the same boot."""
    now = Now(2e9, 2e9)
    with tempfile.TemporaryDirectory() as directory:
        said: list[str] = []
        store = SqliteStore(Path(directory), said.append, boot="one")
        store.restore(now)
        store.commit(state, told, now, notes=notes)
        outbox = (*store.entries(), *(replace(x, id=i) for i, x in enumerate(kept, len(told) + 1)))
        store.keep_entries(outbox)
        store.close()
        again = SqliteStore(Path(directory), said.append, boot="one")
        assert again.restore(now) == state
        assert again.entries() == outbox
        assert again.notes() == notes
        again.close()
        assert said == []


@given(st.lists(readings, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_reading_comes_back(found: list[Reading]) -> None:
    """The history holds each reading as it was, with its phases in their order."""
    now = Now(10.0, 1.7e9)
    with tempfile.TemporaryDirectory() as directory:
        said: list[str] = []
        store = SqliteStore(Path(directory), said.append, boot="one")
        store.restore(now)
        store.record(found, now)
        past = Views(Path(directory)).status().readings
        store.close()
    assert [one.reading for one in past] == found
    assert [list(one.reading.phases) for one in past] == [
        [phase for phase in Phase if phase in reading.phases] for reading in found
    ]
    assert said == []
