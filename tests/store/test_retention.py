"""How long history stays, and what gives way when the file may not grow."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.facts import words
from mailwatch.core.model import Now
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State, TargetMemory
from mailwatch.store import retention
from mailwatch.store.base import Commit
from mailwatch.store.documents import load
from mailwatch.store.retention import DAY_S
from mailwatch.store.views import Views

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

HOUR_S = 3600.0


def count(path: Path, table: str) -> int:
    """Return the number of rows."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_old_history_goes_and_younger_stays(stores: Stores, night: Night) -> None:
    """Readings stay 14 days, summaries and closed incidents 400 days, an open one for ever."""
    store, _ = stores.restored(night.at(0))
    for name, day in (("first", 0), ("second", 30), ("open", 31)):
        store.commit(Commit(night.restarting(name, day * DAY_S), night.at(day * DAY_S)))
        if name != "open":
            store.commit(Commit(State(), night.at(day * DAY_S + 60)))
    for day in (0, 30, 401, 402):
        for hour in (0, 2, 4):
            store.record(night.readings(1), night.at(day * DAY_S + hour * HOUR_S))
    days = [summary.day for summary in Views(stores.directory).summaries(0)]
    assert len(days) == 3, "day 0 is more than 400 days ago, the others are not"
    ids = [incident.id for incident in Views(stores.directory).incidents(9)]
    assert ids == ["open", "second"]
    oldest = Views(stores.directory).readings("S0:0", 0)[0]
    assert oldest.at >= night.at(401 * DAY_S).wall
    for hour in range(0, 72, 2):
        store.record(night.readings(1), night.at(500 * DAY_S + hour * HOUR_S))
    ids = [incident.id for incident in Views(stores.directory).incidents(9)]
    assert ids == ["open"], "the open one stays although it opened 469 days ago"
    assert stores.said == []


def test_a_wrong_clock_costs_no_history(stores: Stores, night: Night) -> None:
    """The clock stands a year ahead for half an hour; nothing is removed by it."""
    store, _ = stores.restored(night.at(0))
    for i in range(50):
        store.record(night.readings(1), night.at(i * 120))
    for i in range(50, 65):
        ahead = Now(i * 120.0, night.at(i * 120).wall + 500 * DAY_S)
        store.record(night.readings(1), ahead)
    for i in range(65, 120):
        store.record(night.readings(1), night.at(i * 120))
    store.close()
    assert count(stores.path, "readings") == 120


def test_a_clock_is_believed_after_an_hour(
    stores: Stores, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once it sweeps nothing, then every hour, and after each step it waits again."""
    swept: list[float] = []
    monkeypatch.setattr(retention, "expire", lambda _, wall: swept.append(wall))
    store, _ = stores.restored(night.at(0))
    for minute in range(0, 301, 10):
        stepped = 1e6 if minute > 150 else 0.0
        store.record(night.readings(1), Now(minute * 60.0, night.at(minute * 60).wall + stepped))
    first = [night.at(minute * 60).wall for minute in (60, 120)]
    assert swept == [*first, *(night.at(minute * 60).wall + 1e6 for minute in (220, 280))]


def test_the_file_never_outgrows_its_cap(stores: Stores, night: Night) -> None:
    """Rounds without end: the oldest readings give way, the newest and the state are there."""
    cap = 1024 * 1024
    store = stores.open(max_bytes=cap)
    store.restore(night.at(0))
    store.commit(Commit(night.restarting(), night.at(1), [night.message()]))
    detail = "x" * 200
    for i in range(1500):
        store.record(night.readings(9, detail=detail), night.at(10 + i))
    store.commit(Commit(night.restarting(), night.at(2000), [night.message("last")]))
    assert stores.said == []
    store.close()
    assert stores.path.stat().st_size <= cap
    store = stores.open(max_bytes=cap)
    assert store.restore(night.at(2001)) == night.restarting()
    assert len(store.entries()) == 2
    past = Views(stores.directory).readings("S0:0", 0)
    assert past[-1].at == night.at(1509).wall
    assert past[0].at > night.at(10).wall
    steps = {later.at - former.at for former, later in pairwise(past)}
    assert steps == {1.0}, "only the oldest are missing"
    assert stores.said == []


def test_without_readings_old_incidents_give_way(stores: Stores, night: Night) -> None:
    """A host that fails all the time: closed incidents go, the oldest first, the open one stays."""
    cap = 1024 * 1024
    store = stores.open(max_bytes=cap)
    store.restore(night.at(0))
    for i in range(1500):
        state = night.restarting(f"{i:05}", i)
        assert state.incident is not None
        long = replace(state, incident=replace(state.incident, cause=words("x" * 600)))
        store.commit(Commit(long, night.at(i)))
        if i % 50 == 0:
            store.record(night.readings(1), night.at(i))
    assert stores.said == []
    store.close()
    assert os.path.getsize(stores.path) <= cap
    ids = [incident.id for incident in Views(stores.directory).incidents(9999)]
    assert ids[0] == "01499"
    assert 100 < len(ids) < 1500
    assert ids == sorted(ids, reverse=True)


def test_a_full_file_takes_a_commit_all_the_same(stores: Stores, night: Night) -> None:
    """When the cap itself is hit, history gives way to what must be kept."""
    cap = 1024 * 1024
    store = stores.open(max_bytes=cap)
    store.restore(night.at(0))
    for i in range(100):
        store.record(night.readings(9, detail="x" * 200), night.at(10 + i))
    for i in range(200):
        message = night.message("x" * 2000)
        state = State(targets=(TargetMemory(streak=i),))
        store.commit(Commit(state, night.at(200 + i), [message]))
    assert len(store.entries()) == 200
    assert stores.said == []
    store.close()
    again = stores.open(max_bytes=cap)
    assert again.restore(night.at(700)) == State(targets=(TargetMemory(streak=199),))
    assert len(again.entries()) == 200


def ends(stores: Stores) -> list[tuple[str, float | None]]:
    """Return the channel and the end of each row of the outbox."""
    with closing(sqlite3.connect(stores.path)) as connection:
        return connection.execute("SELECT channel, ended_wall FROM outbox ORDER BY id").fetchall()


def test_what_was_delivered_stays_with_its_end(stores: Stores, night: Night) -> None:
    """Each channel has a row of its own; an end stays for 400 days, and what waits for ever."""
    store, state = stores.restored(night.at(0))
    store.commit(Commit(state, night.at(1), [night.message()], ("gotify", "mail")))
    gotify, mail = store.entries()
    store.delivered([gotify], night.at(7))
    assert store.entries() == (mail,)
    assert ends(stores) == [("gotify", night.at(7).wall), ("mail", None)]
    store.close()
    store, _ = stores.restored(night.at(8))
    assert store.entries() == (mail,)
    for hour in (0, 2, 4):
        store.record(night.readings(1), night.at(399 * DAY_S + hour * HOUR_S))
    assert len(ends(stores)) == 2
    for hour in (0, 2, 4):
        store.record(night.readings(1), night.at(401 * DAY_S + hour * HOUR_S))
    assert ends(stores) == [("mail", None)]


def test_what_was_given_up_is_not_taken_for_delivered(stores: Stores, night: Night) -> None:
    """A message whose channel is gone ends as such, and what was delivered as delivered."""
    store, state = stores.restored(night.at(0))
    store.commit(Commit(state, night.at(1), [night.message()], ("gotify", "gone")))
    delivered, given_up = store.entries()
    store.delivered([delivered], night.at(7))
    store.give_up(given_up, night.at(8))
    assert store.entries() == ()
    with closing(sqlite3.connect(stores.path)) as connection:
        rows = connection.execute("SELECT value FROM outbox ORDER BY id").fetchall()
    ends = [load(QueuedMessage, value) for (value,) in rows]
    assert [(end.channel, end.ended, end.given_up) for end in ends] == [
        ("gotify", night.at(7), False),
        ("gone", night.at(8), True),
    ]


def test_an_end_is_written_once_the_disk_is_back(stores: Stores, night: Night) -> None:
    """Delivered while the file was out of reach: its row is not lost, nor taken for waiting."""
    store, state = stores.restored(night.at(0))
    store.commit(Commit(state, night.at(1), [night.message("a"), night.message("b")]))
    first, second = store.entries()
    away = stores.directory.with_name("away")
    stores.directory.rename(away)
    stores.directory.write_text("in the way")
    store.delivered([first], night.at(5))
    stores.directory.unlink()
    away.rename(stores.directory)
    store.record(night.readings(1), night.at(60))
    assert store.entries() == (second,)
    assert ends(stores) == [("gotify", night.at(5).wall), ("gotify", None)]
