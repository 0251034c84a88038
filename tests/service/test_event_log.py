"""The log says of a restart why it failed, in the engine's own words, when that is known."""

from __future__ import annotations

import io

from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.model import Fault, Now, Target
from mailwatch.core.state import Attempt, Failure, Incident, Outcome, Stage, State
from mailwatch.core.wording import Installation
from mailwatch.host.journal import Journal
from mailwatch.service.event_log import EventLog

NOW = Now(100, 1_790_000_000)


def test_a_restart_that_the_engine_refused_is_logged_once_with_its_reason() -> None:
    """Whoever reads the journal alone learns what whoever reads the message does."""
    out = io.StringIO()
    installation = Installation("mx1", Target("docker", "stalwart"), "", str)
    log = EventLog(Journal(out, journald=False), installation)
    failures = (Failure("SMTP:25", Fault.SILENT, NOTHING),)
    begun = Attempt(1, NOW, None)
    refused = fact("engine-error", status=500, said="cannot restart: no space left on device")
    ended = Attempt(1, NOW, None, Outcome.FAILED, refused, NOW)

    def state(attempt: Attempt) -> State:
        incident = Incident("A", NOW, NOW, failures, failures, attempts=(attempt,))
        return State(Stage.DOWN, incident)

    log.step(state(begun), state(ended), [], NOW)
    log.step(state(ended), state(ended), [], NOW)
    assert out.getvalue().count("restart 1: ") == 1
    assert "warning: restart 1: " in out.getvalue()
    assert "cannot restart: no space left on device" in out.getvalue()
