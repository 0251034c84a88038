"""Whatever the core can say, the file can hold: every field of every value comes back."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mailwatch.core.message import Message
from mailwatch.core.model import Now, Phase, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore
from tests.store.values import entries, messages, notes_kept, readings, states
from tests.store.window import look


@given(
    states,
    st.lists(messages, max_size=2),
    st.lists(entries, max_size=2),
    notes_kept,
)
@settings(max_examples=50)
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
        store.commit(Commit(state, now, told, notes=notes))
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
@settings(max_examples=30)
def test_every_reading_comes_back(found: list[Reading]) -> None:
    """The history holds each reading as it was, with its phases in their order."""
    now = Now(10.0, 1.7e9)
    with tempfile.TemporaryDirectory() as directory:
        said: list[str] = []
        store = SqliteStore(Path(directory), said.append, boot="one")
        store.restore(now)
        store.record(found, now)
        past = look(Path(directory)).readings
        store.close()
    assert [one.reading for one in past] == found
    assert [list(one.reading.phases) for one in past] == [
        [phase for phase in Phase if phase in reading.phases] for reading in found
    ]
    assert said == []
