"""Turns what happens into log lines: each change once, never the same thing again and again."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.events import Action, Note, Restart, Tell
from mailwatch.core.message import Topic
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.state import Stage, State
from mailwatch.core.text import duration, join_words
from mailwatch.core.wording import Installation, why
from mailwatch.host.journal import Journal
from mailwatch.service.onlooker import Onlooker

_STAGE_LINES = {
    Stage.SETTLING: "{target} was restarted; the services get {settle} to come up",
    Stage.VERIFYING: "looking whether all services answer again",
    Stage.ESCALATED: "a person has been called; still looking",
}


class EventLog(Onlooker):
    """Writes the story of this process into the journal."""

    def __init__(self, journal: Journal, installation: Installation) -> None:
        self.installation = installation
        self._journal = journal
        self._last: dict[str, Reading] = {}
        self._heard: dict[str, Reading] = {}

    def attempt(self, reading: Reading, number: int, retries: int, now: Now) -> None:
        """Write down a failed attempt when it is news: a first one, or another kind of failure."""
        heard = self._heard.get(reading.service)
        self._heard[reading.service] = reading
        if reading.verdict is Verdict.FAIL and (heard is None or not _alike(heard, reading)):
            of = f"attempt {number} of {retries}" if retries > 1 else "one attempt"
            self._journal.warning(
                f"{reading.service}: {say(reading.detail)} ({reading.fault}, {of})"
            )

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Write down which services changed."""
        first = not self._last
        for reading in readings:
            before = self._last.get(reading.service)
            if before is not None and before.verdict is reading.verdict:
                continue
            if reading.verdict is Verdict.UNMEASURED:
                self._journal.warning(f"{reading.service}: cannot look: {say(reading.detail)}")
            elif reading.verdict is Verdict.FAIL:
                self._journal.error(f"{reading.service} fails: {say(reading.detail)}")
            elif before is not None:
                took = duration(reading.seconds)
                self._journal.notice(f"{reading.service} answers again, in {took}")
        if first and all(reading.verdict is Verdict.PASS for reading in readings):
            names = join_words([reading.service for reading in readings])
            self._journal.info(f"all well at the first look: {names}")
        self._last = {reading.service: reading for reading in readings}
        self._heard = dict(self._last)

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        """Write down what the incident machine decided."""
        self._tell(actions)
        cause = "" if after.incident is None else after.incident.cause
        if cause and (before.incident is None or before.incident.cause != cause):
            self._journal.notice(f"likely cause: {cause}")
        for action in actions:
            if isinstance(action, Note):
                self._journal.notice(f"not restarting: {why(action.hold, self.installation, now)}")
            elif isinstance(action, Restart):
                self._journal.notice(
                    f"restarting {self.installation.target}, attempt {action.number}"
                )
        if before.stage is after.stage:
            return
        line = _STAGE_LINES.get(after.stage)
        if line is not None:
            settle = duration(max(0.0, (after.due or now.steady) - now.steady))
            self._journal.notice(line.format(target=self.installation.target, settle=settle))
        if after.stage is Stage.HEALTHY and before.stage is Stage.CONFIRMING:
            self._journal.notice("all services answer again before it became an incident")

    def _tell(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Tell) and action.topic is Topic.RECOVERED:
                incident = action.incident
                down = duration(max(0.0, action.at.steady - incident.since.steady))
                self._journal.notice(f"incident {incident.id} is over after {down}")
            elif isinstance(action, Tell) and action.topic in (Topic.OPENED, Topic.HELD):
                self._journal.error(f"incident {action.incident.id} opens")
            elif isinstance(action, Tell) and action.topic is Topic.ESCALATED:
                self._journal.critical(f"incident {action.incident.id} needs a person")


def _alike(one: Reading, other: Reading) -> bool:
    return one.verdict is other.verdict and one.fault is other.fault
