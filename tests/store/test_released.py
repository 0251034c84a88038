"""State files of released versions, taken up in each stage of an incident: see make_released.py."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from mailwatch.core.facts import words
from mailwatch.core.message import Message, Topic
from mailwatch.core.model import Condition, Now, Reading, TargetState
from mailwatch.core.policy import Policy
from mailwatch.core.state import Outcome, Stage, State
from mailwatch.host import threads
from mailwatch.service.queue_events import QueueEvent
from mailwatch.store.sqlite import SqliteStore
from tests.house import House, bad, blind, good

RELEASED = Path(__file__).with_name("released")
VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.4.0")
STAGES = (
    "healthy", "confirming", "down", "held", "paused", "restarting", "settling", "verifying",
    "escalated",
)  # fmt: skip
BOOT = "released"
CERTIFICATE_ENDS = 1_700_437_000.0
STOPPED = TargetState(Condition.STOPPED, words("It was stopped."), 1000.0, 2000.0)

Row = dict[str, Any]


def _as_rows(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return what the documents of 0.3.0 hold, as the rows in which older releases kept it."""
    documents = {row["name"]: json.loads(row["value"]) for row in tables["documents"]}
    state, notes = documents["machine"]["state"], documents["notes"]
    messages = [json.loads(r["value"]) for r in tables["outbox"] if r["ended_wall"] is None]
    incidents = [json.loads(row["value"]) for row in tables["incidents"]]
    machine = {
        "incident": documents["machine"]["incident"],
        "failing_since_steady": (state["failing_since"] or {}).get("steady"),
        "streak": state["targets"][0]["streak"],
        "target": state["targets"][0]["key"],
        **{name: state[name] for name in ("stage", "due", "last_id")},
    }
    passed = notes["proven"]["passed"]
    return {
        "machine": [machine],
        "clock": [documents["written"]["at"]],
        "attempts": [
            {"incident": one["id"], **row} for one in incidents for row in one["attempts"]
        ],
        "outbox": [
            {**one["message"], **one, "not_before": float(one["not_before"])} for one in messages
        ],
        "proven": [{"service": name, "settings": passed[name]} for name in passed],
        "certificates": [{"service": name} for name in notes["certificates"]["told"]],
        "blindness": [{"service": name} for name in notes["unmeasured_services"]["told"]],
        "pause": [
            {"until_steady": documents[name]["at"]["steady"]}
            for name in ("pause",)
            if name in documents
        ],
    }


class Kept:
    """A state file of a release, what was in it, and the new version on it a second later."""

    def __init__(self, directory: Path, version: str, stage: str) -> None:
        path = directory / "mailwatch.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((RELEASED / f"{version}-{stage}.sql").read_text())
            connection.row_factory = sqlite3.Row
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
            self.tables: dict[str, list[Row]] = {
                name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
                for name in names
                if "autoindex" not in name
            }
        path.chmod(0o640)
        if "documents" in self.tables:
            self.tables = _as_rows(self.tables)
        self.stage = stage
        (self.machine,) = self.tables["machine"]
        (clock,) = self.tables["clock"]
        self.now = Now(clock["steady"] + 1, clock["wall"] + 1)
        self.said: list[str] = []
        self.store = SqliteStore(directory, self.said.append, boot=BOOT)

    @property
    def incident(self) -> str | None:
        """The id of the open incident."""
        found: str | None = self.machine["incident"]
        return found

    @property
    def attempts(self) -> list[Row]:
        """The attempts of the open incident."""
        return [row for row in self.tables["attempts"] if row["incident"] == self.incident]

    def taken_up(self, monkeypatch: pytest.MonkeyPatch) -> House:
        """Return the present version at work on it."""
        monkeypatch.setattr("tests.house.Store", lambda: self.store)
        policy = Policy(min_failure_s=600) if self.stage == "confirming" else Policy()
        house = House(policy)
        house.seconds = self.now.steady
        if self.stage == "held":
            house.container.state = STOPPED
        house.start()
        return house


@pytest.fixture(params=[(version, stage) for version in VERSIONS for stage in STAGES], ids="-".join)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Each file that there is."""
    return Kept(tmp_path, *request.param)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every thread have done its work when it is started."""

    def start(job: Callable[[], object], name: str) -> threading.Thread:
        job()
        return threading.current_thread()

    monkeypatch.setattr(threads, "start", start)


def live(house: House, seconds: float, *, well: bool) -> None:
    """Let `seconds` pass, in which every round finds SMTP well or not."""
    ended = 0
    end = house.seconds + seconds
    while house.seconds < end:
        while (event := waiting(house)) is not None:
            house.take(event)
        if len(house.prober.begun) > ended:
            ended = len(house.prober.begun)
            house.end_round(*found(well=well))
        else:
            house.pass_time(5)


def waiting(house: House) -> QueueEvent | None:
    """Return what a thread has reported, None where there is nothing."""
    try:
        return house.events.get(timeout=0.0)
    except Empty:
        return None


def found(*, well: bool) -> list[Reading]:
    """Return a round as the releases saw it."""
    imaps = replace(good("IMAPS:993"), certificate_expires=CERTIFICATE_ENDS)
    return [good() if well else bad(), imaps, blind("POP3S:995")]


def told(row: Row, messages: Sequence[Message]) -> int:
    """Return how many of `messages` tell what waited in `row`, on its own or within a story."""
    title = row["title"]
    return sum(
        m.incident == row["incident"] and (title == m.title or f"\n{title}\n" in m.body)
        for m in messages
    )


def test_all_that_was_kept_is_known(kept: Kept) -> None:
    """State, attempts, messages, notes and pause are what the old rows said; nothing is lost."""
    store, tables, machine = kept.store, kept.tables, kept.machine
    state = store.restore(kept.now)
    assert state.stage == machine["stage"]
    assert (state.target.streak, state.due, state.last_id) == (
        machine["streak"], machine["due"], machine["last_id"],
    )  # fmt: skip
    named = "docker:stalwart" if machine.get("target") else ""
    assert state.target.key == named
    if state.incident is not None:
        assert {attempt.target for attempt in state.incident.attempts} <= {named}
    assert (state.incident.id if state.incident else None) == kept.incident
    assert len(state.incident.attempts if state.incident else ()) == len(kept.attempts)
    assert [
        (e.id, e.channel, e.message.topic, e.message.title, e.message.body, e.tries, e.not_before)
        for e in store.entries()
    ] == [
        (r["id"], "gotify", r["topic"], r["title"], r["body"], r["tries"], r["not_before"])
        for r in tables["outbox"]
    ]  # fmt: skip
    assert all(entry.trouble == words("The server does not answer.") for entry in store.entries()
               if entry.tries)  # fmt: skip
    notes = store.notes()
    assert notes.proven.passed == {r["service"]: r["settings"] for r in tables.get("proven", [])}
    assert list(notes.certificates.told) == [r["service"] for r in tables.get("certificates", [])]
    blind_ones = {row["service"] for row in tables.get("blindness", [])}
    assert notes.unmeasured_services.told == blind_ones
    assert len(notes.rate_limit.told) > 1
    ends = [row["until_steady"] for row in tables["pause"]]
    paused_until = store.paused_until(kept.now)
    assert ([] if paused_until is None else [paused_until.steady]) == ends
    assert kept.said == []
    store.close()


def test_a_file_that_cannot_be_brought_up_to_date_is_known_all_the_same(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade on a full disk forgets no incident and no attempt, and leaves the file alone."""
    path = Path(kept.store.directory) / "mailwatch.db"
    before = path.read_bytes()

    def full(*_anything: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mailwatch.store.state_file.open_for_writing", full)
        state = kept.store.restore(kept.now)
    assert state.stage == kept.machine["stage"]
    assert (state.incident.id if state.incident else None) == kept.incident
    assert len(state.incident.attempts if state.incident else ()) == len(kept.attempts)
    assert len(kept.store.entries()) == len(kept.tables["outbox"])
    assert path.read_bytes() == before
    (sentence,) = kept.said
    assert "its disk is full" in sentence


def test_where_the_server_comes_back_it_is_told_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is restarted, each message of old arrives once, and the incident ends with one."""
    house = kept.taken_up(monkeypatch)
    live(house, 700, well=True)
    messages = house.phone.messages
    assert house.monitor.state.stage is Stage.HEALTHY
    assert house.container.restarts == 0
    assert kept.store.entries() == ()
    for row in kept.tables["outbox"]:
        assert told(row, messages) == 1, row["title"]
    recovered = [m.incident for m in messages if m.topic is Topic.RECOVERED]
    assert recovered.count(kept.incident or "") == (kept.incident is not None)
    assert len({(m.title, m.incident) for m in messages}) == len(messages)
    assert kept.said == []
    kept.store.close()


LEFT_ALONE = frozenset({"healthy", "held", "paused"})
"""Where nothing is restarted: somebody has paused mailwatch, or stopped the container."""


def test_where_the_server_stays_down_nothing_happens_twice(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message of an incident comes twice, no attempt is made again, and the pause holds."""
    house = kept.taken_up(monkeypatch)
    if kept.attempts:
        live(house, 80, well=False)
        assert house.container.restarts == 0, "the attempt that is known is the last for a while"
    live(house, 640, well=False)
    state: State = house.monitor.state
    assert house.container.restarts == (kept.stage not in LEFT_ALONE)
    topics = Counter((m.incident, m.topic) for m in house.phone.messages if m.incident)
    assert set(topics.values()) <= {1}
    for row in kept.tables["outbox"]:
        assert told(row, house.phone.messages) == 1, row["title"]
    if kept.tables["pause"]:
        assert state.incident is None
        assert house.topics().count(Topic.OPENED) == is_queued(kept, Topic.OPENED)
    else:
        assert state.incident is not None
        assert kept.incident in (state.incident.id, None)
        assert len(state.incident.attempts) == len(kept.attempts) + house.container.restarts
        since = kept.machine["failing_since_steady"] if kept.incident else kept.now.steady
        assert state.incident.since.steady == since, "what was no incident yet begins anew"
    assert kept.said == []
    kept.store.close()


def is_queued(kept: Kept, topic: Topic) -> int:
    """Return how many messages on `topic` were waiting."""
    return sum(row["topic"] == topic for row in kept.tables["outbox"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_restart_that_took_place_is_not_made_again(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container was started after the attempt was decided: that is the restart."""
    kept = Kept(tmp_path, version, "restarting")
    monkeypatch.setattr("tests.house.RUNNING", TargetState(Condition.RUNNING, started_at=2000.0))
    house = kept.taken_up(monkeypatch)
    house.container.state = TargetState(Condition.RUNNING, started_at=2000.0)
    live(house, 80, well=False)
    assert house.container.restarts == 0
    assert house.monitor.state.incident is not None
    (attempt,) = house.monitor.state.incident.attempts
    assert attempt.outcome in (Outcome.RESTARTED, Outcome.FAILED)
    kept.store.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_restart_of_which_nothing_is_known_is_given_up_first(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the engine may still be at it nothing is restarted, and then it is an attempt."""
    kept = Kept(tmp_path, version, "restarting")
    house = kept.taken_up(monkeypatch)
    live(house, 80, well=False)
    assert house.container.restarts == 0
    live(house, 640, well=False)
    assert house.container.restarts == 1
    assert house.monitor.state.incident is not None
    outcomes = [attempt.outcome for attempt in house.monitor.state.incident.attempts]
    assert outcomes[0] is Outcome.INTERRUPTED
    assert len(outcomes) == 2
    kept.store.close()
