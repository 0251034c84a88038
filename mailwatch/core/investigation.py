"""What is known of one round until it is decided, and what is still awaited until when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mailwatch.core import observation, standstill
from mailwatch.core.events import Failed, Passed, Restored, Unmeasured
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Now, Reading, TargetState
from mailwatch.core.state import State

LOOK_GRACE_S = 2.0
"""How long a failed round waits for a look at the target, which takes 3 ms on an idle host."""

RESTORE_GRACE_S = 5.0
"""How long a new process with an open incident waits for that before it watches all the same."""


class Step(StrEnum):
    """How far an investigation has come."""

    OVER = "over"
    """Nothing is under way: what comes in now is late, and changes nothing."""
    ASKING = "asking"
    """The services are being asked."""
    ENDED = "ended"
    """All services were asked; where one failed, it is awaited what else is to be seen."""
    RESTORING = "restoring"
    """A new process has found an open incident, and looks at the target before it goes on."""


@dataclass(frozen=True, slots=True)
class Investigation:
    """One round at one moment; every method returns the value after it."""

    step: Step = Step.OVER
    failing: frozenset[str] = frozenset()
    """The services that have to pass before all is well."""
    noticed: Now | None = None
    """When the first attempt failed, which is when the outage began for all we know."""
    readings: tuple[Reading, ...] = ()
    """The outcome of the round, once it has ended."""
    seen: TargetState | None = None
    """How the target was at the last look."""
    fresh: bool = False
    """Whether that look was answered after the round had ended."""
    heard: frozenset[int] = frozenset()
    """The ports behind which any look found a listener during the round."""
    look_until: float = 0.0
    """Until when (steady) a look at the target is awaited."""
    examined: bool = False
    """Whether evidence is being gathered, or was; once a round is enough."""
    evidence_until: float | None = None
    """Until when (steady) the evidence is awaited, None while none is."""
    lost_s: float = 0.0
    """How many seconds of its time the round has lost, see `core.standstill`."""
    still: int = 0
    """How many rounds in a row have lost too much, up to this one once it has ended."""

    # --- what happens ---------------------------------------------------------------------

    def begun(self) -> Investigation:
        """Begin a round."""
        return Investigation(Step.ASKING, self.failing, still=self.still)

    def restoring(self, state: State, now: Now) -> Investigation:
        """Wait for what the target does, to go on with `state`, whose incident is open."""
        failures = () if state.incident is None else state.incident.failures
        failing = frozenset(failure.service for failure in failures)
        return Investigation(Step.RESTORING, failing, look_until=now.steady + RESTORE_GRACE_S)

    def reconfigured(self) -> Investigation:
        """Drop the round, whose services may not be watched any more, or its target not be ours.

        What a new process waits for goes on, and is what the target does that is named now.
        """
        if self.step is Step.RESTORING:
            return replace(self, seen=None, fresh=False)
        return Investigation(failing=self.failing)

    def failed(self, now: Now) -> Investigation:
        """One attempt to check a service failed."""
        return replace(self, noticed=self.noticed or now) if self.step is Step.ASKING else self

    def ended(self, readings: tuple[Reading, ...], now: Now, lost_s: float = 0.0) -> Investigation:
        """The round ended; whatever was seen of the target before is not fresh any more."""
        if self.step is not Step.ASKING:
            return self
        lost_s = max(self.lost_s, lost_s)  # two witnesses of the same: the loop, and who asked
        still = self.still + 1 if lost_s > standstill.LOST_S else 0
        if 0 < still < standstill.JUDGED_FROM:
            readings = standstill.unmeasured(readings, lost_s)
        until = now.steady + LOOK_GRACE_S
        ended = replace(self, step=Step.ENDED, readings=readings, still=still)
        return replace(ended, fresh=False, look_until=until)

    def stood_still(self, lost_s: float, steady_s: float) -> Investigation:
        """The process has just lost `lost_s`, and the steady clock went on for `steady_s` of them.

        Whatever is awaited has so much longer to come.
        """
        if self.step is Step.OVER:
            return self
        until = None if self.evidence_until is None else self.evidence_until + steady_s
        return replace(
            self,
            lost_s=self.lost_s + lost_s,
            look_until=self.look_until + steady_s,
            evidence_until=until,
        )

    def looked(self, target: TargetState) -> Investigation:
        """A look at the target was answered."""
        if self.step is Step.OVER:
            return self
        heard = self.heard | observation.served(target.listens)
        return replace(self, seen=target, fresh=self.step is not Step.ASKING, heard=heard)

    def examining(self, until: float | None) -> Investigation:
        """Evidence is being gathered, and awaited until `until` (steady), or not at all."""
        return (
            self if self.step is Step.OVER else replace(self, examined=True, evidence_until=until)
        )

    def gathered(self, heard: frozenset[int]) -> Investigation:
        """The evidence is there; it shows that something listens behind the ports `heard`."""
        if self.step is Step.OVER:
            return self
        return replace(self, evidence_until=None, heard=self.heard | heard)

    def decided(self, state: State) -> Investigation:
        """The round was decided, which led to `state`: nothing is awaited any more."""
        forgotten = state.incident is None and state.failing_since is None
        failing = frozenset[str]() if forgotten else self.still_failing
        return Investigation(failing=failing, still=self.still)

    # --- what follows ---------------------------------------------------------------------

    @property
    def is_asking(self) -> bool:
        """Whether the services are being asked."""
        return self.step is Step.ASKING

    @property
    def seen_as(self) -> str:
        """The address that the target sees us as, empty where it is not known."""
        return "" if self.seen is None else self.seen.seen_as

    @property
    def still_failing(self) -> frozenset[str]:
        """The services that have to pass before all is well, with what the round has shown."""
        if self.step is Step.ENDED and observation.failures(self.readings):
            return observation.still_failing(self.readings, self.failing)
        return self.failing

    @property
    def decidable_at(self) -> float | None:
        """From when on (steady) it may be decided without waiting; None while it is too early."""
        if self.step in (Step.OVER, Step.ASKING):
            return None
        if self.step is Step.ENDED and not observation.failures(self.readings):
            return float("-inf")
        look = float("-inf") if self.fresh else self.look_until
        return look if self.evidence_until is None else max(look, self.evidence_until)

    def may_be_decided(self, now: Now) -> bool:
        """Whether nothing is awaited any more."""
        at = self.decidable_at
        return at is not None and at <= now.steady

    def event(
        self,
        unseen: TargetState,
        paused_until: Now | None = None,
        cause: Fact = NOTHING,
        unproven: frozenset[str] = frozenset(),
    ) -> Failed | Passed | Unmeasured | Restored:
        """Return what the incident machine is told; `unseen` stands for a target not looked at.

        See `observation.bad_news` for the others. What was seen before the round had ended says
        nothing on what listens: a server may have gone, or come back, since.
        """
        target = unseen if self.seen is None else self.seen
        if self.step is Step.RESTORING:
            return Restored(target)
        if not observation.failures(self.readings):
            return observation.good_news(self.readings, self.failing)
        if not self.fresh:
            target = replace(target, listens={}, unheard=frozenset())
        return observation.bad_news(
            self.readings,
            target,
            paused_until,
            cause,
            self.noticed,
            self.heard,
            unproven,
            looked=self.examined,
        )
