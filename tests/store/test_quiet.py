"""A quiet time costs the disk next to nothing, and a reader of the history a few minutes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Policy
from mailwatch.core.state import Stage, State
from mailwatch.store.base import Commit
from mailwatch.store.history import QUIET_S
from mailwatch.store.sqlite import QUIET_READINGS
from mailwatch.store.views import Views
from tests.house import House, bad, good

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

ROUND_S = 120.0


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement of every connection that is opened from now on."""
    done: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(done.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return done


def rounds(stores: Stores) -> int:
    """Return how many rounds another process sees."""
    return len(Views(stores.directory).readings("S0:0", 0))


def test_a_quiet_round_is_no_statement(stores: Stores, night: Night, statements: list[str]) -> None:
    """Neither for its readings, nor to see that nobody has paused, nor for what is unchanged."""
    store, state = stores.restored(night.at(0))
    store.record(night.readings(1), night.at(0))
    store.paused_until(night.at(0))
    statements.clear()
    for second in range(1, int(QUIET_S)):
        assert store.paused_until(night.at(second)) is None
        store.record(night.readings(1), night.at(second))
        store.commit(Commit(state, night.at(second)))
    assert statements == []
    store.record(night.readings(1), night.at(QUIET_S))
    assert len([one for one in statements if one.startswith("BEGIN")]) == 1
    assert rounds(stores) == QUIET_S + 1


def test_a_quiet_round_of_the_service_is_no_statement(
    stores: Stores, night: Night, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in the loop asks the file: what a round needs to know is in memory."""
    monkeypatch.setattr("tests.house.Store", stores.open)
    house = House(Policy())
    house.start()
    for _ in range(3):
        house.end_round(good())
        house.pass_time(house.policy.interval_s)
    statements.clear()
    house.end_round(good())
    house.pass_time(house.policy.interval_s)
    assert statements == []
    house.end_round(bad())
    assert statements != []


def test_what_is_news_is_written_at_once(stores: Stores, night: Night) -> None:
    """The first round, a failure, its end, another set of services, a look that fails, a stop."""
    store, _ = stores.restored(night.at(0))
    well, unmeasured = night.readings(2), [Reading("S0:0", Verdict.UNMEASURED)]
    news = [well, night.readings(2, detail="late"), well, night.readings(3), unmeasured, well]
    for number, found in enumerate(news):
        store.record(found, night.at(2 * number))
        assert rounds(stores) == 2 * number + 1
        store.record(found, night.at(2 * number + 1))
        assert rounds(stores) == 2 * number + (1 if found[0].verdict is Verdict.PASS else 2)
        store.commit(Commit(State(last_id=f"{number}"), night.at(2 * number + 1)))
        assert rounds(stores) == 2 * number + 2, "it goes with whatever is written"
    store.record(well, night.at(100))
    store.close()
    assert rounds(stores) == 13


def test_no_round_is_quiet_while_something_is_open(stores: Stores, night: Night) -> None:
    """While an incident is confirmed or open, each round is written as it ends."""
    store, _ = stores.restored(night.at(0))
    for number, state in enumerate((State(Stage.CONFIRMING), night.restarting())):
        store.commit(Commit(state, night.at(10 * number)))
        for second in (1, 2):
            store.record(night.readings(1), night.at(10 * number + second))
            assert rounds(stores) == 2 * number + second


def test_rare_rounds_wait_for_nothing(stores: Stores, night: Night) -> None:
    """Where rounds are further apart than a quiet one may wait, each is written as it ends."""
    store, _ = stores.restored(night.at(0))
    for number in range(5):
        store.record(night.readings(1), night.at(number * QUIET_S))
        assert rounds(stores) == number + 1


def test_only_so_many_readings_wait_in_memory(stores: Stores, night: Night) -> None:
    """A thousand services a round are not kept in memory for minutes."""
    store, _ = stores.restored(night.at(0))
    for number in range(5):
        store.record(night.readings(QUIET_READINGS // 2), night.at(number))
    assert rounds(stores) == 4


def test_an_hour_of_quiet_writes_little(stores: Stores, night: Night) -> None:
    """At the defaults, four services every two minutes: at most 0.2 MB, as the kernel counts."""
    store, state = stores.restored(night.at(0))

    def live(hours: range) -> None:
        for second in range(hours.start * 3600, hours.stop * 3600, int(ROUND_S)):
            store.paused_until(night.at(second))
            store.record(night.readings(4), night.at(second))
            store.commit(Commit(state, night.at(second)))

    live(range(2))
    before = written_bytes()
    live(range(2, 12))
    per_hour = (written_bytes() - before) / 10
    assert per_hour <= 0.2e6


def written_bytes() -> int:
    """Return what this process has had written to disk (proc_pid_io(5)), in bytes."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])
