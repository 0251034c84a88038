"""Turns what happens into log lines: each change once, never the same thing again and again."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core import causes, readiness
from mailwatch.core.events import Action, Note, Restart, Tell
from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.say import line
from mailwatch.core.state import Stage, State
from mailwatch.core.wording import Installation, why
from mailwatch.host.journal import Journal, Level
from mailwatch.service.onlooker import Onlooker

_VERDICTS = {
    Verdict.PASS: (Level.NOTICE, "service-answers"),
    Verdict.FAIL: (Level.ERROR, "service-fails"),
    Verdict.UNMEASURED: (Level.WARNING, "service-unmeasured"),
}

_TOPICS = {
    Topic.OPENED: (Level.ERROR, "incident-opens"),
    Topic.HELD: (Level.ERROR, "incident-opens"),
    Topic.ESCALATED: (Level.CRITICAL, "incident-needs-a-person"),
    Topic.RECOVERED: (Level.NOTICE, "incident-over"),
}

_STAGES = {
    Stage.SETTLING: "restarted",
    Stage.VERIFYING: "verifying",
    Stage.ESCALATED: "person-called",
}


class EventLog(Onlooker):
    """Writes the story of this process into the journal."""

    def __init__(self, journal: Journal, installation: Installation) -> None:
        self._installation = installation
        self._journal = journal
        self._last: dict[str, Verdict] = {}
        """How each service was in the last round."""
        self._heard: dict[str, tuple[Verdict, Fault | None]] = {}
        """How each was in its last attempt."""
        self._unable: Condition | None = None
        """Why the target could not be restarted when it was last looked at."""

    def attempt(self, reading: Reading, number: int, retries: int, now: Now) -> None:
        """Write down a failed attempt when it is news: a first one, or another kind of failure."""
        service, fault = reading.service, reading.fault
        heard, this = self._heard.get(service), (reading.verdict, fault)
        self._heard[service] = this
        if fault is not None and heard != this:
            detail, of = reading.detail, {"number": number, "retries": retries}
            said = line("attempt-failed", service=service, detail=detail, fault=fault, **of)
            self._journal.warning(said)

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Write down which services changed."""
        before = self._last
        self._last = {reading.service: reading.verdict for reading in readings}
        self._heard = {one.service: (one.verdict, one.fault) for one in readings}
        for one in readings:
            if before.get(one.service, Verdict.PASS) is not one.verdict:
                level, code = _VERDICTS[one.verdict]
                said = line(code, service=one.service, detail=one.detail, took_s=one.seconds)
                self._journal.write(level, said)
        if not before and set(self._last.values()) == {Verdict.PASS}:
            self._journal.info(line("all-well", services=tuple(self._last)))

    def looked(self, target: TargetState, now: Now) -> None:
        """Write down that the target cannot be restarted, and that it can again."""
        trouble = readiness.trouble(target, self._installation)
        before, self._unable = self._unable, target.condition if trouble else None
        if trouble and before is not target.condition:
            self._journal.warning(self._installation.say(trouble))
        elif before is not None and not trouble:
            able = fact("can-restart", target=self._installation.target.called)
            self._journal.notice(self._installation.say(able))

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        """Write down what the incident machine decided."""
        for action in actions:
            if isinstance(action, Tell) and action.topic in _TOPICS:
                level, code = _TOPICS[action.topic]
                down_s = max(0.0, action.at.steady - action.incident.since.steady)
                self._journal.write(level, line(code, incident=action.incident.id, down_s=down_s))
        cause = NOTHING if after.incident is None else after.incident.cause
        if cause and (before.incident is None or before.incident.cause != cause):
            self._journal.notice(line("log-cause", cause=cause, seen=causes.is_seen(cause)))
        target = self._installation.target.called
        for action in actions:
            if isinstance(action, Note):
                left = fact("not-restarting", why=why(action.hold, now))
                self._journal.notice(self._installation.say(left))
            elif isinstance(action, Restart):
                self._journal.notice(line("restarting", target=target, number=action.number))
        if before.stage is after.stage:
            return
        code = _STAGES.get(after.stage, "")
        if after.stage is Stage.HEALTHY and before.stage is Stage.CONFIRMING:
            code = "no-incident-after-all"
        if code:
            settle_s = max(0.0, (after.due or now.steady) - now.steady)
            self._journal.notice(line(code, target=target, settle_s=settle_s))
