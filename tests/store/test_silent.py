"""A disk that does not answer: who goes on from what, whichever process ends when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Now
from mailwatch.core.state import State
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore
from mailwatch.store.state_file import StateFile
from mailwatch.store.views import Views

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

Hang = Callable[[SqliteStore], threading.Event]


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hang]:
    """Let the disk take nothing of a store's until the event is set; other stores are served."""
    hung: dict[int, threading.Event] = {}
    opened, written = StateFile.open, StateFile.transaction

    def wait(file: StateFile) -> None:
        if gate := hung.get(id(file)):
            gate.wait()

    def slow_open(self: StateFile, now: Now, timeout_s: float) -> object:
        wait(self)
        return opened(self, now, timeout_s)

    def slow_transaction(self: StateFile, durable: bool) -> object:
        wait(self)
        return written(self, durable)

    monkeypatch.setattr(StateFile, "open", slow_open)
    monkeypatch.setattr(StateFile, "transaction", slow_transaction)
    for name in ("START_S", "PATIENCE_S", "END_S"):
        monkeypatch.setattr(f"mailwatch.store.sqlite.{name}", 0.3)

    def begin(store: SqliteStore) -> threading.Event:
        return hung.setdefault(id(store._writer._file), threading.Event())

    yield begin
    for gate in hung.values():
        gate.set()


def made(stores: Stores) -> SqliteStore:
    """Return a store with a runtime directory, not restored yet."""
    runtime = stores.directory.parent / "run"
    runtime.mkdir(exist_ok=True)
    return SqliteStore(stores.directory, stores.said.append, boot="one", runtime=runtime)


def is_silent(store: SqliteStore) -> bool:
    """Whether its disk takes nothing now."""
    return store.silent_since is not None


def test_what_a_process_did_that_never_saw_the_file_is_not_lost(
    stores: Stores, night: Night, hang: Hang
) -> None:
    """It started on a silent disk and was killed; the file is well, and has seen far more works."""
    before = made(stores)
    before.restore(night.at(0))
    for i in range(30):
        before.commit(Commit(State(), night.at(i), [night.message(f"old {i}")]))
    before.close()
    blind = made(stores)
    hang(blind)
    blind.restore(night.at(100))
    blind.commit(Commit(night.restarting(), night.at(101), [night.message("blind")]))
    after = made(stores)
    state = after.restore(night.at(130))
    assert state == night.restarting()
    titles = [entry.message.title for entry in after.entries()]
    assert titles == [*(f"old {i}" for i in range(30)), "blind"]
    assert len({entry.id for entry in after.entries()}) == 31
    after.close()
    assert not (stores.directory.parent / "run" / "memory.json").exists()


def test_a_blind_process_that_did_nothing_leaves_the_incident_of_the_file(
    stores: Stores, night: Night, hang: Hang
) -> None:
    """Its copy is of an empty memory, and the incident in the file goes on."""
    before = made(stores)
    before.restore(night.at(0))
    before.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    before.pause(night.at(900))
    before.close()
    blind = made(stores)
    hang(blind)
    blind.restore(night.at(110))
    after = made(stores)
    assert after.restore(night.at(130)) == night.restarting()
    assert after.paused_until(night.at(131)) == night.at(900)
    after.close()


def test_a_copy_that_the_file_has_overtaken_is_removed(
    stores: Stores, night: Night, hang: Hang
) -> None:
    """The disk took the work after all: a later start on a silent disk must not go back to it."""
    first = made(stores)
    first.restore(night.at(0))
    gate = hang(first)
    first.commit(Commit(night.restarting(), night.at(100), [night.message()]))
    copy = stores.directory.parent / "run" / "memory.json"
    kept = copy.read_bytes()
    gate.set()
    first.commit(Commit(State(), night.at(200)))
    first.close()
    copy.write_bytes(kept)
    second = made(stores)
    assert second.restore(night.at(210)) == State()
    assert not copy.exists()
    second.close()


def test_a_disk_that_answered_is_not_called_silent(
    stores: Stores, night: Night, hang: Hang
) -> None:
    """It was slow once; nothing more is written, and nobody is told that it takes nothing."""
    store = made(stores)
    store.restore(night.at(0))
    gate = hang(store)
    store.commit(Commit(night.restarting(), night.at(100)))
    assert is_silent(store)
    gate.set()
    patience = time.monotonic() + 60
    while is_silent(store) and time.monotonic() < patience:
        time.sleep(0.01)
    assert not is_silent(store)
    store.close()
    (incident,) = Views(stores.directory).incidents(9)
    assert incident.closed is None
