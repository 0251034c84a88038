"""Looks around when services begin to fail, when they fail still, and once all is well again."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from mailwatch.core import observation
from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.events import Action
from mailwatch.core.evidence import GATHERED, Evidence, Finding
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.say import line
from mailwatch.core.secret import Secret
from mailwatch.core.state import Incident, State
from mailwatch.evidence import causes, keeping, readings
from mailwatch.evidence.catalogue import collectors
from mailwatch.evidence.gather import SLACK_S, Gatherer
from mailwatch.evidence.keeping import Moment
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Collector, Examiner, Round, Subject
from mailwatch.host.clocks import WallClock
from mailwatch.host.job import Job
from mailwatch.host.limits import limit_of
from mailwatch.service.onlooker import Onlooker
from mailwatch.service.queue_events import EventQueue

ROUNDS = 10
"""How many rounds before the failure are written down."""

LOG_S = 1800.0
"""How far back the log is read where nobody knows when all was last well."""

_POST_S = 0.5
"""What the answer may take from the thread to the loop."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is looked at in one installation; `examiner` is None where nothing can be examined."""

    settings: EvidenceSettings
    directory: Path
    """The state directory."""
    examiner: Callable[[], Examiner] | None
    ports: tuple[int, ...] = ()
    secrets: tuple[Secret, ...] = ()
    collectors: Mapping[str, Collector] = field(default_factory=collectors)


class Forensics(Onlooker):
    """One look at a time; its job arrives in the queue once it is over.

    All of it is an extra: no fault of it raises, and none delays the engine by more than wait_s.
    """

    def __init__(
        self, sources: Sources, events: EventQueue, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        self._sources = sources
        self._events = events
        self._clock = clock
        self._warn = warn
        self._gatherer = Gatherer()
        self._rounds: deque[Round] = deque(maxlen=ROUNDS)
        self._well_at: float | None = None
        self._job: Job[Evidence] | None = None
        self._evidence: Evidence = {}
        self._owed = ""
        """The incident that opened before its evidence was there."""
        self._again = False
        """Whether the present look is for an incident that was open before."""
        self._wall_clock = WallClock()
        self._oldest = 0.0
        self._saving = threading.Lock()

    def replace(self, sources: Sources) -> None:
        """Look at other sources from the next look on."""
        self._sources = sources

    # --- the examination of a failed round, see `components.Examination` ------------------

    def look(
        self, failing: tuple[Reading, ...], now: Now, incident: Incident | None = None
    ) -> float | None:
        """Gather evidence because `failing` fail; return until when (steady) to wait for it.

        For an `incident` that is open it is of what came after the last order of ours.
        """
        self._evidence, self._owed, self._job = {}, "", None
        self._again = incident is not None
        if not self._can_look:
            return None
        job = self._job = Job("evidence", self._deadline(), SLACK_S + _POST_S)

        def failed(why: Fact) -> Evidence:
            self._say_why_not(why)
            return {}

        order = None if incident is None else incident.last_attempt
        # The wall clock may have been set since: the time that has passed counts.
        ordered = 0.0 if order is None else now.wall - (now.steady - order.begun.steady)
        gather = self._gathering(failing, now, job.deadline, ordered)
        job.start(gather, failed, lambda _evidence: self._events.put(job))
        return job.overdue_at

    def take(self, job: Job[Any]) -> frozenset[int] | None:
        """Take the answer of the present look, and return the ports behind which it heard one.

        None for another's job, and for one that came too late for its round.
        """
        if job is not self._job:
            return None
        self._job, evidence = None, job.answer
        self._evidence = evidence
        if self._owed and evidence:
            self._keep(self._owed, "before", lambda: evidence)
        self._owed = ""
        return observation.heard_in(evidence)

    def cause(self, found: tuple[Reading, ...], seen_as: str = "") -> Fact:
        """Return the likely cause, judged with the readings of the whole round."""
        if not self._evidence:
            return NOTHING
        try:
            self._evidence = _with_the_round(self._evidence, found, seen_as)
            return causes.likely(self._evidence)
        except Exception as error:  # noqa: BLE001  # a bug of ours must not cost the restart
            if limit := limit_of(error):
                self._warn(line("cause-not-looked-for", why=limit))
            else:
                self._warn(line("cause-not-found", error=type(error).__name__))
            return NOTHING

    # --- what it hears as an onlooker -----------------------------------------------------

    def round(self, readings: Sequence[Reading], now: Now) -> None:
        """Remember the readings of a round that is over."""
        self._rounds.append(Round(now.wall, tuple(readings)))
        believed = self._wall_clock.is_believed(now)
        self._oldest = now.wall - keeping.KEEP_S if believed else 0.0
        if readings and all(reading.verdict is Verdict.PASS for reading in readings):
            self._well_at = now.wall

    def step(self, before: State, after: State, actions: Sequence[Action], now: Now) -> None:
        """Keep the look that led to an incident, and look once more when it is over."""
        if before.incident is None and after.incident is not None:
            if evidence := self._evidence:
                self._keep(after.incident.id, "before", lambda: evidence)
            elif self._job is not None:
                self._owed = after.incident.id
        elif before.incident is not None and self._again and (evidence := self._evidence):
            self._again = False
            self._keep(before.incident.id, "again", lambda: evidence)
        if before.incident is not None and after.incident is None and self._can_look:
            found = self._rounds[-1].readings if self._rounds else ()
            gather = self._gathering(found, now, self._deadline())
            self._keep(before.incident.id, "after", gather)

    # --- gathering and keeping ------------------------------------------------------------

    @property
    def _can_look(self) -> bool:
        return self._sources.settings.enabled and self._sources.examiner is not None

    def _deadline(self) -> Deadline:
        return Deadline.after(self._sources.settings.wait_s, self._clock)

    def _gathering(
        self, found: tuple[Reading, ...], now: Now, deadline: Deadline, since: float = 0.0
    ) -> Callable[[], Evidence]:
        sources = self._sources
        assert sources.examiner is not None
        subject = Subject(
            examiner=sources.examiner,
            ports=sources.ports,
            readings=found,
            rounds=tuple(self._rounds),
            since=max(since, now.wall - LOG_S if self._well_at is None else self._well_at),
            directories=(sources.directory,),
            secrets=sources.secrets,
            options=sources.settings.options,
        )
        return partial(self._gatherer.gather, subject, deadline, now.wall, sources.collectors)

    def _say_why_not(self, why: Fact) -> None:
        self._warn(line("no-evidence", why=why))

    def _keep(self, incident: str, moment: Moment, gather: Callable[[], Evidence]) -> None:
        """Write down what `gather` finds, on a thread of its own."""
        sources, job = self._sources, Job[None](f"evidence-{moment}", self._deadline())
        job.start(lambda: self._write(sources, incident, moment, gather()), self._say_why_not)

    def _write(self, sources: Sources, incident: str, moment: Moment, evidence: Evidence) -> None:
        with self._saving:
            try:
                keeping.save(sources.directory, incident, moment, evidence)
                max_bytes = sources.settings.max_mib * 1024 * 1024
                keeping.prune(sources.directory, max_bytes, self._oldest)
            except OSError as error:
                reason = (error.strerror or "unknown trouble").lower()
                folder = str(keeping.folder(sources.directory))
                self._warn(line("evidence-not-kept", incident=incident, why=reason, folder=folder))


def _with_the_round(evidence: Evidence, found: tuple[Reading, ...], seen_as: str) -> Evidence:
    before = evidence["readings"].values if "readings" in evidence else {}
    told = {**evidence, "readings": Finding({**before, "now": readings.at_hand(found)})}
    if seen_as and "container" in evidence:
        container = evidence["container"]
        told["container"] = replace(container, values={**container.values, "seen_as": seen_as})
    about = evidence[GATHERED]
    lines = [cause.line for cause in causes.find(told)]
    return {**told, GATHERED: replace(about, values={**about.values, "causes": lines})}
