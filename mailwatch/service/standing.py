"""How things stand, as `mailwatch status` shows it: the last round, and what fails right now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailwatch import __version__
from mailwatch.core import causes
from mailwatch.core.events import RestartEnded
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Now, Reading, TargetState, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.readiness import UNABLE
from mailwatch.core.say import say
from mailwatch.core.state import State
from mailwatch.core.wording import Installation
from mailwatch.host.clocks import clock_text
from mailwatch.service.onlooker import Onlooker

_LONGEST_OUTBOX = 20


@dataclass(frozen=True, slots=True)
class _Failing:
    since: float
    attempt: int
    retries: int
    reading: Reading


class Standing(Onlooker):
    """Remembers what the loop has seen in this process; moments are in seconds since 1970."""

    def __init__(self) -> None:
        self._last_round: float | None = None
        self._readings: tuple[Reading, ...] = ()
        self._failing: dict[str, _Failing] = {}
        self._target: tuple[float, TargetState] | None = None
        self._vain: tuple[float, Fact] | None = None
        """When the last restart failed and why, None where it did not."""

    def forget_target(self) -> None:
        """Take note that another may be named by now, or it may be reached in another way."""
        self._target = self._vain = None

    def attempt(self, reading: Reading, number: int, retries: int, now: Now) -> None:
        """Note what fails, and since when."""
        before = self._failing.get(reading.service)
        since = now.wall if before is None else before.since
        self._failing[reading.service] = _Failing(since, number, retries, reading)

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Note how every service is."""
        self._last_round, self._readings = now.wall, tuple(readings)
        failing = {reading.service for reading in readings if reading.verdict is Verdict.FAIL}
        self._failing = {name: self._failing[name] for name in self._failing if name in failing}

    def looked(self, target: TargetState, now: Now) -> None:
        """Note how the target is."""
        self._target = now.wall, target

    def restarted(self, ended: RestartEnded, now: Now) -> None:
        """Note whether it could be restarted; one that was left alone shows nothing."""
        if not ended.intervened:
            self._vain = (now.wall, ended.error) if ended.error else None

    def document(
        self,
        state: State,
        notes: Notes,
        entries: Sequence[QueuedMessage],
        installation: Installation,
        *,
        next_round: float | None,
        paused_until: float | None,
        reached: Mapping[str, float | None],
        troubles: Mapping[str, Fact],
        listening: Fact = NOTHING,
    ) -> dict[str, Any]:
        """Return all of it in JSON's terms.

        `reached` is when each channel last took a message, and `troubles` says of each that was
        tried why the last try failed, NOTHING where it did not.
        """
        incident = state.incident
        return {
            "version": __version__,
            "stage": state.stage.value,
            "incident": None if incident is None else incident.id,
            "since": None if incident is None else incident.since.wall,
            "cause": None if incident is None else causes.line(incident.cause) or None,
            "cause_seen": incident is not None and causes.is_seen(incident.cause),
            "listening": say(listening) or None,
            "last_round": self._last_round,
            "next_round": next_round,
            "paused_until": paused_until,
            "target": {"name": say(installation.target.called), **self._able()},
            "channels": [
                _channel(name, reached[name], troubles.get(name), entries) for name in reached
            ],
            "undelivered_messages": len(entries),
            "undelivered": [
                {"title": one.message.title, "channel": one.channel, "trouble": say(one.trouble)}
                for one in entries[:_LONGEST_OUTBOX]
            ],
            "held_back_messages": len(notes.rate_limit.held),
            "failing": [
                {
                    "service": service,
                    "since": one.since,
                    "attempt": one.attempt,
                    "retries": one.retries,
                    "detail": say(one.reading.detail),
                }
                for service, one in self._failing.items()
            ],
            "services": [
                {
                    "service": reading.service,
                    "verdict": reading.verdict.value,
                    "fault": reading.fault,
                    "detail": say(reading.detail),
                    "proven": reading.service in notes.proven.passed,
                    "seconds": round(reading.seconds, 6),
                }
                for reading in self._readings
            ],
        }

    def _able(self) -> dict[str, Any]:
        able, looked, why, failed = None, None, NOTHING, None
        if self._target is not None:
            looked, target = self._target
            able = target.condition not in UNABLE
            why = NOTHING if able else target.detail
        if able is not False and self._vain is not None:
            # Who may look at it need not be allowed to restart it.
            able, (failed, why) = False, self._vain
        detail = say(why, clock_text)
        return {"can_restart": able, "looked": looked, "failed": failed, "detail": detail}


def _channel(
    name: str, reached: float | None, trouble: Fact | None, entries: Sequence[QueuedMessage]
) -> dict[str, Any]:
    if trouble is None:  # not tried by this process
        waiting = [one.trouble for one in entries if one.channel == name and one.trouble]
        trouble = waiting[-1] if waiting else NOTHING
    return {"name": name, "last_reached": reached, "trouble": say(trouble)}
