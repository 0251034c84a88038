"""Whatever happens to it, in whatever order, the store on disk answers as the one in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.facts import words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.outbox import after_failure, merge
from mailwatch.core.rate_limit import RateLimit, Told
from mailwatch.core.state import Attempt, Failure, Incident, Stage, State, TargetMemory
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.base import Commit, Store
from mailwatch.store.history import QUIET_S
from mailwatch.store.sqlite import SqliteStore
from mailwatch.store.views import Views
from tests.store.window import look

WALL = 1_790_000_000.0
FAILURES = (Failure("SMTP:25", Fault.SILENT, words("no greeting")),)


class LikeMemory(RuleBasedStateMachine):
    """Does the same to both stores, with new starts, kills and an unusable disk in between."""

    home: ClassVar[Path]
    """Where each example has a place of its own."""

    @initialize()
    def begin(self) -> None:
        """Open both for the first time."""
        self.place = Path(tempfile.mkdtemp(dir=self.home))
        self.directory = self.place / "state"
        self.said: list[str] = []
        self.now = Now(10.0, WALL)
        self.memory = Store()
        self.incidents: dict[str, Incident] = {}
        self.rounds: list[float] = []
        self.works = True
        self.store = self.opened()

    def opened(self) -> SqliteStore:
        """Open the store on disk."""
        store = SqliteStore(self.directory, self.said.append, boot="one")
        assert store.restore(self.now) == self.memory.restore(self.now)
        return store

    def commit(
        self,
        state: State,
        told: int,
        **changed: Any,
    ) -> None:
        """Commit the same to both."""
        topics = [Topic.OPENED, Topic.RECOVERED, Topic.NOTICE]
        identifier = "" if state.incident is None else state.incident.id
        messages = [
            Message(
                topics[i % 3],
                Severity.INFO,
                f"{self.now.steady} {i}",
                "",
                self.now.wall,
                identifier,
            )
            for i in range(told)
        ]
        before = self.memory.restore(self.now).incident
        closed = None
        if before is not None and (state.incident is None or state.incident.id != before.id):
            closed = replace(before, closed=self.now)
            self.incidents[before.id] = closed
        if state.incident is not None:
            self.incidents[state.incident.id] = state.incident
        notes = replace(self.memory.notes(), **changed)
        for store in (self.memory, self.store):
            store.commit(Commit(state, self.now, messages, closed=closed, notes=notes))

    @rule(seconds=st.floats(0.1, 5000))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now = Now(self.now.steady + seconds, self.now.wall + seconds)

    @rule(told=st.integers(0, 3), attempts=st.integers(0, 3))
    def open_or_change(self, told: int, attempts: int) -> None:
        """Open an incident, or go on with the open one."""
        state = self.memory.restore(self.now)
        known = state.incident
        if known is None:
            name = f"{len(self.incidents)}"
            known = Incident(name, self.now, self.now, FAILURES, FAILURES)
        tried = tuple(Attempt(i, self.now, None) for i in range(1, attempts + 1))
        incident = replace(known, attempts=tried)
        self.commit(
            State(
                Stage.DOWN,
                incident,
                targets=(TargetMemory(streak=attempts),),
                last_id=incident.id,
            ),
            told,
        )

    @rule(told=st.integers(0, 2))
    def recover(self, told: int) -> None:
        """Close the incident, if one is open."""
        self.commit(State(targets=(TargetMemory(last_cure=self.now),)), told)

    @rule(told=st.integers(0, 2), notices=st.lists(st.text(max_size=5), max_size=2))
    def tell(self, told: int, notices: list[str]) -> None:
        """Send messages, and note them for the limit."""
        rate_limit = RateLimit(told=(Told(self.now, tuple(map(words, notices))),))
        self.commit(self.memory.restore(self.now), told, rate_limit=rate_limit)

    @rule(told=st.integers(0, 1), services=st.sets(st.sampled_from("ab")), renewed=st.booleans())
    def warn(self, told: int, services: set[str], renewed: bool) -> None:
        """Warn of certificates, or forget that one was warned of."""
        certificates = Certificates({name: Warned(self.now, renewed) for name in services})
        self.commit(self.memory.restore(self.now), told, certificates=certificates)

    @rule(passed=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")))
    def prove(self, passed: dict[str, str]) -> None:
        """Learn that services pass, or forget it."""
        self.commit(self.memory.restore(self.now), 0, proven=KnownGood(passed))

    @rule(told=st.integers(0, 1), services=st.sets(st.sampled_from("ab")))
    def go_blind(self, told: int, services: set[str]) -> None:
        """Tell that services cannot be looked at, or that they can again."""
        unmeasured_services = UnmeasuredServices(
            dict.fromkeys(services, self.now), frozenset(services)
        )
        self.commit(self.memory.restore(self.now), told, unmeasured_services=unmeasured_services)

    @precondition(lambda self: self.memory.entries())
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Deliver any entry."""
        entry = data.draw(st.sampled_from(self.memory.entries()))
        self.memory.delivered(entry, self.now)
        self.store.delivered(entry, self.now)

    @precondition(lambda self: self.memory.entries())
    @rule(data=st.data(), permanent=st.booleans())
    def fail_to_deliver(self, data: st.DataObject, permanent: bool) -> None:
        """Fail with any entry, and merge what may be merged."""
        entry = data.draw(st.sampled_from(self.memory.entries()))
        failed = after_failure(entry, words("No route."), permanent, self.now, 0.5)
        entries = [failed if x.id == entry.id else x for x in self.memory.entries()]
        merged = merge(entries)
        self.memory.keep_entries(merged)
        self.store.keep_entries(merged)

    @rule(pause_s=st.none() | st.floats(1, 5000))
    def pause(self, pause_s: float | None) -> None:
        """Begin or end a pause from within."""
        until = None if pause_s is None else self.later(pause_s)
        self.memory.pause(until)
        self.store.pause(until)

    def later(self, seconds: float) -> Now:
        """Return a moment ahead."""
        return Now(self.now.steady + seconds, self.now.wall + seconds)

    @rule(count=st.integers(1, 3), verdict=st.sampled_from(Verdict))
    def record(self, count: int, verdict: Verdict) -> None:
        """End a round."""
        self.wait(1.0)
        fault = Fault.SILENT if verdict is Verdict.FAIL else None
        found = [Reading(f"S{i}:{i}", verdict, fault) for i in range(count)]
        self.rounds.append(self.now.steady)
        for store in (self.memory, self.store):
            store.record(found, self.now)
        if self.works and verdict is not Verdict.PASS:
            assert self.kept() == len(self.rounds)

    def kept(self) -> int:
        """Return how many rounds the file has."""
        days = Views(self.directory).summaries(0)
        of_first = [day for day in days if day.service == "S0:0"]
        return sum(day.passes + day.failures + day.unmeasured for day in of_first)

    @precondition(lambda self: self.works)
    @rule()
    def start_anew(self) -> None:
        """End the process in good order, and start the next one."""
        self.store.close()
        assert self.kept() == len(self.rounds)
        self.store = self.opened()

    @precondition(lambda self: self.works)
    @rule()
    def kill(self) -> None:
        """Go on with the files as a killed process leaves them."""
        copy = self.place / "copy"
        shutil.copytree(self.directory, copy)
        self.store.close()
        shutil.rmtree(self.directory)
        copy.rename(self.directory)
        self.store = self.opened()
        del self.rounds[self.kept() :]

    @precondition(lambda self: self.works)
    @rule()
    def break_disk(self) -> None:
        """Put something into the place of the directory."""
        self.works = False
        self.directory.rename(self.place / "away")
        self.directory.write_text("in the way")

    @precondition(lambda self: not self.works)
    @rule()
    def mend_disk(self) -> None:
        """Give the directory back; the next round finds it."""
        self.directory.unlink()
        (self.place / "away").rename(self.directory)
        self.works = True
        self.wait(10.0)
        self.record(1, Verdict.FAIL)

    @invariant()
    def answers_as_memory(self) -> None:
        """Both say the same, whatever the disk does."""
        assert self.store.restore(self.now) == self.memory.restore(self.now)
        assert self.store.entries() == self.memory.entries()
        assert self.store.notes() == self.memory.notes()
        assert self.store.paused_until(self.now) == self.memory.paused_until(self.now)

    @invariant()
    def file_agrees(self) -> None:
        """Another process sees the same, as long as the disk works."""
        if not self.works:
            return
        views = Views(self.directory)
        status = look(self.directory)
        assert status.entries == self.memory.entries()
        assert status.stage == self.memory.restore(self.now).stage
        assert {incident.id: incident for incident in views.incidents(999)} == self.incidents
        lacks = self.rounds[self.kept() :]
        assert not lacks or lacks[-1] - lacks[0] < QUIET_S

    def teardown(self) -> None:
        """Leave nothing behind, and see that the file is sound."""
        self.store.close()
        if self.works:
            assert not [name for name in os.listdir(self.directory) if "damaged" in name]
        assert not [sentence for sentence in self.said if "cannot be used" in sentence]
        shutil.rmtree(self.place)


class TestLikeMemory(LikeMemory.TestCase):  # type: ignore[misc, valid-type]  # made at run time
    """What pytest runs."""

    settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path) -> None:
        LikeMemory.home = tmp_path
