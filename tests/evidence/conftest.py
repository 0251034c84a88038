"""A container that a test describes, for collectors that ask an engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import NotReadable
from mailwatch.evidence.subject import Subject


@dataclass
class ScriptedEngine:
    """Answers as the test says, or refuses; it counts connections that were not given back."""

    answer: Mapping[str, Any] = field(default_factory=dict)
    written: bytes = b""
    rows: Sequence[Mapping[str, str]] = ()
    trouble: NotReadable | None = None
    since: float | None = None
    open: int = 0

    def connect(self) -> ScriptedEngine:
        self.open += 1
        return self

    def container(self, deadline: Deadline) -> Mapping[str, Any]:
        self._refuse()
        return self.answer

    def log(self, since: float, deadline: Deadline) -> bytes:
        self._refuse()
        self.since = since
        return self.written

    def processes(self, deadline: Deadline) -> Sequence[Mapping[str, str]]:
        self._refuse()
        return self.rows

    def close(self) -> None:
        self.open -= 1

    def _refuse(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def engine() -> ScriptedEngine:
    """An engine whose container is this very process, on the host's network."""
    state = {"Status": "running", "Pid": os.getpid(), "OOMKilled": False, "ExitCode": 0}
    identity = Path("/proc/self/cgroup").read_text()
    return ScriptedEngine({"Id": identity, "State": state, "Config": {}, "HostConfig": {}})


@pytest.fixture
def subject(engine: ScriptedEngine) -> Subject:
    return Subject(engine.connect)


@pytest.fixture
def soon() -> Callable[[], Deadline]:
    """Return a generous deadline."""
    return lambda: Deadline.after(120, time.monotonic)
