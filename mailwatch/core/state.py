"""What mailwatch remembers about its one incident: plain values that a store can keep."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Fault, Mask, Now, Steady


class Stage(StrEnum):
    """Where the incident machine stands."""

    HEALTHY = "healthy"
    CONFIRMING = "confirming"
    """Something fails, but it is too early to call it an incident."""
    DOWN = "down"
    """An incident is open, and there is a reason not to restart yet."""
    RESTARTING = "restarting"
    SETTLING = "settling"
    """The restart is done; the services get `settle_s` to come up."""
    VERIFYING = "verifying"
    """Looking again and again, with the longer timeout, until the final window ends."""
    ESCALATED = "escalated"
    """A person has been called."""


OPEN = frozenset(Stage) - {Stage.HEALTHY, Stage.CONFIRMING}
"""The stages in which an incident is open."""


class Outcome(StrEnum):
    """What became of one restart attempt."""

    PENDING = "pending"
    """Decided and recorded; whether it happened is not known yet."""
    RESTARTED = "restarted"
    """The restart happened; whether it helped is not known yet."""
    RECOVERED = "recovered"
    FAILED = "failed"
    """The restart was refused, did not help in time, or somebody undid it."""
    INTERRUPTED = "interrupted"
    """mailwatch was ended in the middle of it, and no proof was found that it took place."""


class Reason(StrEnum):
    """Why a target is not restarted although services fail."""

    PAUSED = "paused"
    """The admin told mailwatch to pause."""
    STARTING = "starting"
    """The target is coming up and has its grace."""
    TOO_EARLY = "too-early"
    """The failure has not lasted for `min_failure_s`, or one more look has to confirm it."""
    BANNED = "banned"
    """Every service drops us, and may well listen: a ban or a limit, which no restart cures."""
    APART = "apart"
    """Some services drop us and others do not: a ban may have begun or ended between the two."""
    INCURABLE = "incurable"
    """No fault is one that `restart_on` names."""
    HOPELESS = "hopeless"
    """What was seen to be the cause is one that no restart cures."""
    LIMIT = "limit"
    """A limit of the server's turns us away, other ports answer, and it may pass by itself."""
    UNPROVEN = "unproven"
    """What fails has never passed as configured: our own settings may be wrong."""
    OPERATOR = "operator"
    """Somebody stopped, paused or removed the target, as an event or a record shows."""
    UNSURE = "unsure"
    """It ended or was never there, and nothing shows whether anybody wanted that."""
    MISSING = "missing"
    """It was there, and is gone without an order that anybody knows of."""
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    """The engine does not answer."""
    BUDGET = "budget"
    """All restarts that the window allows are spent."""
    BACKOFF = "backoff"
    """Too soon after the last attempt or the last recovery."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A reason not to restart now."""

    reason: Reason
    target: Fact = NOTHING
    """What the restarter says of its target."""
    until: Steady | None = None
    """When it ends, on the steady clock; None if no time ends it."""
    seen_as: str = ""
    """The address that a target which turns us away sees us as, empty where nobody knows."""
    services: tuple[str, ...] = ()
    """With UNPROVEN those that have never passed as configured, with HOPELESS those that pass."""
    of: str = ""
    """The key of the target that it holds back."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A service that fails: the part of its reading that an incident keeps."""

    service: str
    fault: Fault
    detail: Fact
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """What a restart that failed is known to have left behind: an end that was its own doing.

    Both are as in the TargetState; `finished_at` is None where it has stopped nothing.
    """

    identity: str = ""
    finished_at: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One restart of the target: number 1 is the first of its incident.

    `started_at` is when the target had last been started (seconds since 1970) as the attempt
    was decided: a later value proves that the restart happened.
    """

    number: int
    begun: Now
    started_at: float | None
    outcome: Outcome = Outcome.PENDING
    detail: Fact = NOTHING
    ended: Now | None = None
    left: Left | None = None
    """None while that is not known: an end of the target in the attempt's time is then its own."""
    target: str = ""
    """The key of the target."""
    limit_s: float = 0.0
    """How long the call may take in all, 0 where an older version has not kept it."""
    sharers: tuple[str, ...] = ()
    """What shared the network of the target, and is cut off from it by a restart."""

    @property
    def may_have_ended(self) -> bool:
        """Whether it may have ended the target, for all that is known."""
        return self.left != Left()


@dataclass(frozen=True, slots=True)
class Incident:
    """One outage, from the first failed round to the round in which all is well again."""

    id: str
    since: Now
    """When a round first failed."""
    opened: Now
    failures: tuple[Failure, ...]
    """What fails now, in the order of the configuration."""
    first_failures: tuple[Failure, ...]
    target: Fact = NOTHING
    """What was noteworthy about the target when the incident opened."""
    cause: Fact = NOTHING
    """The likely cause, NOTHING while none is known."""
    cause_after: int | None = None
    """How many restarts there had been when it was seen, None where nobody has kept that."""
    attempts: tuple[Attempt, ...] = ()
    holds: tuple[Hold, ...] = ()
    """Why targets are not restarted now, one for each that is left alone."""
    held_told: bool = False
    unsure: Now | None = None
    """When the admin was first told that nobody knows what was wanted: reminders count from it."""
    opened_told: bool = False
    escalated: Now | None = None
    reminded: Now | None = None
    called_for: tuple[str, ...] | None = None
    """The services that a person was called for, None where an older version has not kept them."""
    called_banned: bool = False
    """Whether that person was told of a ban."""
    closed: Now | None = None
    unwatched: tuple[str, ...] = ()
    """The services that had failed and were no longer watched as it was closed."""

    @property
    def services(self) -> tuple[str, ...]:
        """The services that failed, as far as it remembers: those that failed first, and now."""
        return tuple(dict.fromkeys(one.service for one in (*self.first_failures, *self.failures)))

    @property
    def answered(self) -> bool:
        """Whether anything that failed in the end was seen to answer, for one that is closed."""
        return any(one.service not in self.unwatched for one in self.failures)

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest restart attempt, or None."""
        return self.attempts[-1] if self.attempts else None

    @property
    def hold(self) -> Hold | None:
        """Why the one target is not restarted now, or None."""
        return self.holds[0] if self.holds else None

    @property
    def lasted_s(self) -> float | None:
        """How many seconds it lasted, None while it is open."""
        return None if self.closed is None else max(0.0, self.closed.wall - self.since.wall)

    def held_by(self, hold: Hold | None) -> Incident:
        """Return this incident with `hold` as the reason not to restart the one target."""
        return replace(self, holds=() if hold is None else (hold,))

    def with_last_attempt(self, attempt: Attempt) -> Incident:
        """Return this incident with its newest attempt replaced."""
        return replace(self, attempts=(*self.attempts[:-1], attempt))


@dataclass(frozen=True, slots=True)
class TargetMemory:
    """What is remembered of one thing that gets restarted, from one incident to the next."""

    key: str = ""
    """`Target.key`; empty where nobody has said it."""
    seen: bool = False
    """Whether it was ever found: a missing one was then removed, not misspelt."""
    starting_since: Now | None = None
    """Since when it has been seen coming up, without a break."""
    restarts: tuple[Now, ...] = ()
    """When restarts began, for the budget; older ones than the window are forgotten."""
    streak: int = 0
    """Attempts since the last re-arming: what the backoff grows with."""
    last_attempt_ended: Now | None = None
    last_cure: Now | None = None
    """When the last incident in which a restart was tried was over."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the incident machine remembers between two events."""

    stage: Stage = Stage.HEALTHY
    incident: Incident | None = None
    """The open incident; None exactly when `stage` is HEALTHY or CONFIRMING."""
    failing_since: Now | None = None
    """When the first of an unbroken row of failed rounds ended."""
    due: Steady | None = None
    """The end of SETTLING, or of the final window of VERIFYING."""
    targets: tuple[TargetMemory, ...] = (TargetMemory(),)
    """One entry for each thing that gets restarted, which is one today."""
    last_id: str = ""
    """The id of the newest incident, open or over, empty before the first."""
    dropped_apart: bool = False
    """Whether some services dropped us in the last round, and others did not."""
    booted: Now | None = None
    """When we first began after the last boot of the host, None where none was ever noticed."""

    @property
    def target(self) -> TargetMemory:
        """What is remembered of the one target."""
        return self.targets[0] if self.targets else TargetMemory()

    def with_target(self, **changes: Any) -> State:
        """Return this state with these fields of the one target's memory replaced."""
        return replace(self, targets=(replace(self.target, **changes), *self.targets[1:]))
