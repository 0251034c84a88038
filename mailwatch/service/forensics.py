"""Looks around when services begin to fail and again when all is well, and keeps what it saw."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mailwatch.core import causes, observation
from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.evidence import GATHERED, Evidence, Finding
from mailwatch.core.model import Now, Reading, Verdict
from mailwatch.core.secret import Secret
from mailwatch.evidence import keeping, readings
from mailwatch.evidence.gather import COLLECTORS, SLACK_S, Gatherer
from mailwatch.evidence.keeping import Moment
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.evidence.subject import Collector, Examiner, Round, Subject
from mailwatch.host import threads
from mailwatch.service.queue_events import EventQueue, EvidenceGathered

ROUNDS = 10
"""How many rounds before the failure are written down."""

LOG_S = 1800.0
"""How far back the log is read where nobody knows when all was last well."""

_STEP_S = 60.0
_BELIEVED_AFTER_S = 3600.0
"""A wall clock that was moved removes no evidence for its age before it ran so long."""

_POST_S = 0.5
"""What the answer may take from the thread to the loop."""

_NO_THREAD = f"no evidence is gathered, for {threads.NO_THREAD}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What one installation looks at; `examiner` is None where nothing can be examined."""

    settings: EvidenceSettings
    directory: Path
    """The state directory."""
    examiner: Callable[[], Examiner] | None
    ports: tuple[int, ...] = ()
    secrets: tuple[Secret, ...] = ()
    collectors: Mapping[str, Collector] = field(default_factory=lambda: COLLECTORS)


class Forensics:
    """One look at a time; it arrives in the events as EvidenceGathered.

    All of it is an extra: no fault of it raises, and none delays the engine by more than wait_s.
    """

    def __init__(
        self, scene: Scene, events: EventQueue, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._scene = scene
        self._events = events
        self._clock = clock
        self._say = say
        self._gatherer = Gatherer()
        self._rounds: deque[Round] = deque(maxlen=ROUNDS)
        self._well_at: float | None = None
        self._job = 0
        self._round: int | None = None
        self._until: float | None = None
        self._evidence: Evidence | None = None
        self._owed = ""
        self._offset: float | None = None
        self._moved_at = 0.0
        self._oldest = 0.0
        self._saving = threading.Lock()

    def replace(self, scene: Scene) -> None:
        """Look at another scene from the next look on."""
        self._scene = scene

    def saw(self, found: tuple[Reading, ...], now: Now) -> None:
        """Take the readings of a round that is over."""
        self._rounds.append(Round(now.wall, found))
        offset = now.wall - now.steady
        if self._offset is None or abs(offset - self._offset) > _STEP_S:
            self._offset, self._moved_at = offset, now.steady
        believed = now.steady - self._moved_at >= _BELIEVED_AFTER_S
        self._oldest = now.wall - keeping.KEEP_S if believed else 0.0
        if found and all(reading.verdict is Verdict.PASS for reading in found):
            self._well_at = now.wall

    def look(self, number: int, failing: tuple[Reading, ...], now: Now) -> None:
        """Look around because something fails in round `number`; once a round is enough."""
        if self._round == number or not self._can_look:
            return
        self._round = number
        self._evidence, self._owed = None, ""
        limit_s = self._scene.settings.wait_s
        self._until = self._clock() + limit_s + SLACK_S + _POST_S
        self._job += 1
        job, events, subject = self._job, self._events, self._subject(failing, now)
        gatherer = self._gatherer
        deadline, collectors = Deadline.after(limit_s, self._clock), self._scene.collectors

        def see() -> None:
            events.put(
                EvidenceGathered(job, gatherer.gather(subject, deadline, now.wall, collectors))
            )

        try:
            threads.start(see, "witness")
        except RuntimeError:
            self._until = None
            self._say(_NO_THREAD)

    def owns(self, report: EvidenceGathered) -> bool:
        """Take the answer of the present look; False for one that came too late for its round."""
        if report.job != self._job:
            return False
        self._until = None
        self._evidence = report.evidence
        if self._owed:
            self._save(self._owed, "before", report.evidence)
            self._owed = ""
        return True

    @property
    def awaited_until(self) -> float | None:
        """When (steady) the present look is no longer waited for, None while there is none."""
        return self._until

    def cause(self, found: tuple[Reading, ...], seen_as: str = "") -> str:
        """Return the likely cause in one line, judged with the readings of the whole round.

        `seen_as` is the address that the target sees us as, empty where it is not known.
        """
        if self._evidence is None:
            return causes.UNKNOWN
        try:
            self._evidence = _with_the_round(self._evidence, found, seen_as)
            return causes.likely(self._evidence)
        except Exception as error:  # noqa: BLE001  # a bug of ours must not cost the restart
            name = type(error).__name__
            self._say(
                f"a fault of mailwatch itself kept the likely cause from being found ({name})"
                ": please report it"
            )
            return causes.UNKNOWN

    @property
    def heard(self) -> frozenset[int]:
        """The ports of this host behind which the present look found a listener."""
        return frozenset() if self._evidence is None else observation.heard_in(self._evidence)

    def opened(self, incident: str) -> None:
        """Keep the look that led to `incident`, or the one that is still under way."""
        if self._evidence is not None:
            self._save(incident, "before", self._evidence)
        elif self._until is not None:
            self._owed = incident

    def closed(self, incident: str, found: tuple[Reading, ...], now: Now) -> None:
        """Look once more, now that all is well, and keep it; nobody waits for that."""
        if not self._can_look:
            return
        subject, scene = self._subject(found, now), self._scene
        deadline = Deadline.after(scene.settings.wait_s, self._clock)

        def see() -> None:
            evidence = self._gatherer.gather(subject, deadline, now.wall, scene.collectors)
            self._write(scene, incident, "after", evidence)

        self._start(see, "witness-after")

    @property
    def _can_look(self) -> bool:
        return self._scene.settings.enabled and self._scene.examiner is not None

    def _subject(self, found: tuple[Reading, ...], now: Now) -> Subject:
        assert self._scene.examiner is not None
        return Subject(
            examiner=self._scene.examiner,
            ports=self._scene.ports,
            readings=found,
            rounds=tuple(self._rounds),
            since=now.wall - LOG_S if self._well_at is None else self._well_at,
            directories=(self._scene.directory,),
            secrets=self._scene.secrets,
        )

    def _save(self, incident: str, moment: Moment, evidence: Evidence) -> None:
        scene = self._scene
        self._start(lambda: self._write(scene, incident, moment, evidence), f"witness-{moment}")

    def _start(self, job: Callable[[], None], name: str) -> None:
        try:
            threads.start(job, name)
        except RuntimeError:
            self._say(_NO_THREAD)

    def _write(self, scene: Scene, incident: str, moment: Moment, evidence: Evidence) -> None:
        with self._saving:
            try:
                keeping.save(scene.directory, incident, moment, evidence)
                keeping.prune(scene.directory, scene.settings.max_bytes, self._oldest)
            except OSError as error:
                reason = (error.strerror or "unknown trouble").lower()
                self._say(
                    f"the evidence of incident {incident} could not be kept ({reason}): see that "
                    f"{keeping.folder(scene.directory)} is writable and has room"
                )


def _with_the_round(evidence: Evidence, found: tuple[Reading, ...], seen_as: str) -> Evidence:
    before = evidence["readings"].values if "readings" in evidence else {}
    told = {**evidence, "readings": Finding({**before, "now": readings.at_hand(found)})}
    if seen_as and "container" in evidence:
        container = evidence["container"]
        told["container"] = replace(container, values={**container.values, "seen_as": seen_as})
    about = evidence[GATHERED]
    lines = [cause.line for cause in causes.find(told)]
    return {**told, GATHERED: replace(about, values={**about.values, "causes": lines})}
