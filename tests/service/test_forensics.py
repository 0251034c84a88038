"""The forensics, with real threads and a collector of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mailwatch.core import causes
from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import GATHERED, Finding, Json
from mailwatch.core.facts import NOTHING, words
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.state import Incident, Stage, State
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Subject
from mailwatch.host.job import Job
from mailwatch.service.forensics import Forensics, Sources
from mailwatch.service.queue_events import EventQueue

PATIENCE_S = 120.0
NOW = Now(100.0, 1_700_000_000.0)
INCIDENT = Incident("20231114T221320Z", NOW, NOW, (), ())
BAD = (Reading("SMTP:25", Verdict.FAIL, Fault.SILENT, words("no greeting came")),)


class Nobody:
    """An examiner that no collector of these tests asks."""

    def container(self, deadline: Deadline) -> Mapping[str, Any]:
        raise AssertionError

    def log(self, since: float, deadline: Deadline) -> bytes:
        raise AssertionError

    def processes(self, deadline: Deadline) -> list[Mapping[str, str]]:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def collect(_subject: Subject, _deadline: Deadline) -> Finding:
    """Find out of memory."""
    return Finding({"oom_killed": True, "status": "exited"})


class Stand:
    """A forensics, where its answers arrive and what it says."""

    def __init__(self, directory: Path) -> None:
        self.events = EventQueue()
        self.said: list[str] = []
        sources = Sources(EvidenceSettings(), directory, Nobody, collectors={"container": collect})
        self.forensics = Forensics(sources, self.events, lambda: NOW.steady, self.said.append)

    def look(self, **more: Finding) -> frozenset[int] | None:
        """Look around, and take the answer, with `more` in it."""
        self.forensics.look(BAD, NOW)
        job = self.events.get(timeout=PATIENCE_S)
        assert isinstance(job, Job)
        job.answer.update(more)
        return self.forensics.take(job)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """Give a forensics that has seen nothing yet."""
    return Stand(tmp_path)


def test_a_look_names_the_likely_cause(stand: Stand) -> None:
    """What a collector found becomes the one line of the message."""
    assert stand.look() is not None
    assert causes.line(stand.forensics.cause(BAD)).startswith("out of memory")


def test_what_is_remembered_hides_no_ban(stand: Stand) -> None:
    """A canary that passed ten minutes ago does not keep the readings from all being dropped."""
    watched: list[Json] = [{"published_as": 25, "listens": True}]
    seen = {"container": Finding({}), "connections": Finding({"watched": watched})}
    assert stand.look(**seen) == frozenset({25})
    dropped = Reading("SMTP:25", Verdict.FAIL, Fault.DROPPED, words("closed"))
    canary = Reading("Canary:587", Verdict.PASS, remembered=True)
    assert causes.line(stand.forensics.cause((dropped, canary))).startswith("ban or")
    line = causes.line(stand.forensics.cause((dropped, canary), "127.0.0.1 or 172.17.0.1"))
    assert line.startswith("ban of 127.0.0.1 or 172.17.0.1 (this host, as it sees it),")


def test_evidence_that_cannot_be_judged_costs_no_restart(stand: Stand) -> None:
    """Where judging it fails, the cause is unknown, the log says why, and nothing is raised."""
    stand.forensics.look(BAD, NOW)
    job = stand.events.get(timeout=PATIENCE_S)
    assert isinstance(job, Job)
    del job.answer[GATHERED]
    assert stand.forensics.take(job) == frozenset()
    assert stand.forensics.cause(BAD) == NOTHING
    assert len(stand.said) == 1
    assert "please report it" in stand.said[0]


def test_a_host_without_threads_costs_the_evidence_alone(
    stand: Stand, without_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    """Where no thread can be started nothing is raised or waited for, and the log says so."""
    with without_threads():
        stand.forensics.look(BAD, NOW)
        job = stand.events.get_nowait()
        assert isinstance(job, Job)
        assert stand.forensics.take(job) == frozenset()
        stand.forensics.step(State(stage=Stage.DOWN, incident=INCIDENT), State(), [], NOW)
    assert stand.forensics.cause(BAD) == NOTHING
    assert len(stand.said) == 2
    assert "TasksMax" in stand.said[0]
