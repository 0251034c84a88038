"""Turns what happens into log lines: each change once, never the same thing again and again."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.events import Action, Note, Restart, Tell
from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.message import Topic
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.say import line
from mailwatch.core.state import Stage, State
from mailwatch.core.wording import Installation, why
from mailwatch.host.journal import Journal
from mailwatch.service.onlooker import Onlooker

_STAGES = {
    Stage.SETTLING: "restarted",
    Stage.VERIFYING: "verifying",
    Stage.ESCALATED: "person-called",
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
            code = "attempt-failed" if retries > 1 else "only-attempt-failed"
            self._journal.warning(
                line(
                    code,
                    service=reading.service,
                    detail=reading.detail,
                    fault=reading.fault,
                    number=number,
                    retries=retries,
                )
            )

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Write down which services changed."""
        first = not self._last
        for reading in readings:
            service, detail = reading.service, reading.detail
            before = self._last.get(service)
            if before is not None and before.verdict is reading.verdict:
                continue
            service, detail = reading.service, reading.detail
            if reading.verdict is Verdict.UNMEASURED:
                self._journal.warning(line("service-unmeasured", service=service, detail=detail))
            elif reading.verdict is Verdict.FAIL:
                self._journal.error(line("service-fails", service=service, detail=detail))
            elif before is not None:
                took_s = reading.seconds
                self._journal.notice(line("service-answers", service=service, took_s=took_s))
        if first and all(reading.verdict is Verdict.PASS for reading in readings):
            services = tuple(reading.service for reading in readings)
            self._journal.info(line("all-well", services=services))
        self._last = {reading.service: reading for reading in readings}
        self._heard = dict(self._last)

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        """Write down what the incident machine decided."""
        self._tell(actions)
        cause = NOTHING if after.incident is None else after.incident.cause
        if cause and (before.incident is None or before.incident.cause != cause):
            self._journal.notice(line("log-cause", cause=cause))
        target = self.installation.target.called
        for action in actions:
            if isinstance(action, Note):
                left = fact("not-restarting", why=why(action.hold, now))
                self._journal.notice(self.installation.say(left))
            elif isinstance(action, Restart):
                self._journal.notice(line("restarting", target=target, number=action.number))
        if before.stage is after.stage:
            return
        code = _STAGES.get(after.stage)
        if after.stage is Stage.HEALTHY and before.stage is Stage.CONFIRMING:
            code = "no-incident-after-all"
        if code is not None:
            settle_s = max(0.0, (after.due or now.steady) - now.steady)
            self._journal.notice(line(code, target=target, settle_s=settle_s))

    def _tell(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if not isinstance(action, Tell):
                continue
            incident = action.incident.id
            if action.topic is Topic.RECOVERED:
                down_s = max(0.0, action.at.steady - action.incident.since.steady)
                self._journal.notice(line("incident-over", incident=incident, down_s=down_s))
            elif action.topic in (Topic.OPENED, Topic.HELD):
                self._journal.error(line("incident-opens", incident=incident))
            elif action.topic is Topic.ESCALATED:
                self._journal.critical(line("incident-needs-a-person", incident=incident))


def _alike(one: Reading, other: Reading) -> bool:
    return one.verdict is other.verdict and one.fault is other.fault
