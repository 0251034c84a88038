"""Whether to restart now: every reason not to, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailwatch.core.causes import is_ban, is_incurable, is_seen, kind
from mailwatch.core.facts import NOTHING, Fact
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.policy import NEVER_CURED, Policy
from mailwatch.core.state import Failure, Hold, Reason, Stage, State

_TARGET_REASONS = {
    Condition.STOPPED: Reason.OPERATOR,
    Condition.PAUSED: Reason.OPERATOR,
    Condition.REMOVING: Reason.OPERATOR,
    Condition.REMOVED: Reason.OPERATOR,
    Condition.ENDED: Reason.UNSURE,
    Condition.DENIED: Reason.DENIED,
    Condition.UNREACHABLE: Reason.UNREACHABLE,
}

BY_ORDER = frozenset(c for c, reason in _TARGET_REASONS.items() if reason is Reason.OPERATOR)
"""The conditions that are somebody's will."""

BEFORE_OPENING = frozenset({Reason.PAUSED, Reason.STARTING, Reason.TOO_EARLY, Reason.APART})
"""Reasons for which a failure is not even called an incident yet."""

CALL_AT_ONCE = frozenset(
    {
        Reason.BANNED,
        Reason.BUDGET,
        Reason.DENIED,
        Reason.HOPELESS,
        Reason.INCURABLE,
        Reason.MISSING,
        Reason.UNPROVEN,
    }
)
"""Reasons that no waiting cures: a person is needed now."""

SAYS_WHAT_TO_DO = frozenset({Reason.BANNED, Reason.HOPELESS, Reason.UNPROVEN})
"""Reasons that a person who is called for a restart in vain must learn of."""

MISCONFIGURABLE = frozenset(Fault) - {
    Fault.REFUSED,
    Fault.TIMEOUT,
    Fault.SILENT,
    Fault.DROPPED,
    Fault.RESET,
}
"""The faults that a wrong setting of ours brings about as well as a sick server does.

In a service that has never passed as it is configured now, they are no reason to restart a
target that runs. The others, too, come of a wrong setting (a wrong port is refused, one that
waits for TLS or a PROXY header is silent), but are how a hang looks: they are a reason, as long
as no port passes.
"""

_UP = frozenset({Condition.RUNNING, Condition.STARTING})
"""Where the target is there, and has its own time to come up."""

_ENDED = frozenset({Condition.CRASHED, Condition.OOM_KILLED})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a round has failed."""

    failures: tuple[Failure, ...]
    """What failed; what only seemed to be dropped is refused, see `core.observation`."""
    watched: int
    """How many ports the round asked and measured, but for passes of others than the target."""
    target: TargetState
    paused_until: Now | None = None
    """The end of a pause that the admin asked for, None when there is none."""
    noticed: Now | None = None
    """When the first attempt of the round failed, where that is known."""
    unproven: frozenset[str] = frozenset()
    """The services that have never passed as they are configured now."""
    passing: tuple[str, ...] = ()
    """The ports that passed in this round: if any did, the target as a whole does not hang."""
    cause: Fact = NOTHING
    """The likely cause, of this round or an earlier one, NOTHING while none is known."""
    back: frozenset[str] = frozenset()
    """The services that were refused, and behind whose ports something listens by now."""
    left_by_us: bool = False
    """Whether the target stands still because the newest restart of ours got no further."""

    def curable(self, policy: Policy) -> list[Failure]:
        """Return the failures of a kind that a restart may cure."""
        kinds = policy.restart_on - NEVER_CURED
        return [failure for failure in self.failures if failure.fault in kinds]

    @property
    def all_dropped(self) -> bool:
        """Whether everything that was asked turned us away, and not only in words."""
        # A server may turn us away in words at some ports, and without any at others.
        faults = [failure.fault for failure in self.failures]
        away = [fault for fault in faults if fault in (Fault.DROPPED, Fault.REJECTED)]
        return Fault.DROPPED in away and len(away) == self.watched

    @property
    def turned_away(self) -> bool:
        """Whether something failed in a way in which a ban shows."""
        return any(failure.fault in (Fault.DROPPED, Fault.REJECTED) for failure in self.failures)

    @property
    def rejected(self) -> bool:
        """Whether a service turned us away in words."""
        return any(failure.fault is Fault.REJECTED for failure in self.failures)

    @property
    def dropped_apart(self) -> bool:
        """Whether some services dropped us, and others did not."""
        dropped = any(failure.fault is Fault.DROPPED for failure in self.failures)
        return dropped and not self.all_dropped


STARTUP_S = 30.0
"""How long what a server that comes up says of itself is not believed to last."""


def why_not(state: State, situation: Situation, now: Now, policy: Policy) -> Hold | None:
    """Return the first reason not to restart the target now, or None to restart it.

    `state` knows `failing_since` and the target's `starting_since` as of this round, and
    `dropped_apart` and what failed in an open incident as of the one before.
    """
    hold = next(_reasons(state, situation, now, policy), None)
    return None if hold is None else replace(hold, of=state.target.key)


def _reasons(state: State, situation: Situation, now: Now, policy: Policy) -> Iterator[Hold]:
    target = situation.target
    if situation.paused_until is not None and now.steady < situation.paused_until.steady:
        yield Hold(Reason.PAUSED, until=situation.paused_until.steady)
    # The steady clock may be another kernel's, which has run for long (systemd-nspawn(1)).
    booted_s = 0.0 if state.booted is None else state.booted.steady
    if target.condition not in _UP and now.steady < booted_s + policy.boot_grace_s:
        # What starts it, compose in a unit of its own say, may come after us.
        yield Hold(Reason.STARTING, target.detail, booted_s + policy.boot_grace_s)
    until = float("-inf")
    if state.target.starting_since is not None:
        until = state.target.starting_since.steady + start_grace_s(target, policy)
    by_cause = _by_cause(situation)
    if by_cause is not None and not _is_too_early(state, now, policy):
        # One that ends again and again is always coming up; one that somebody restarts, and that
        # complains while the process before lets go of its files, is so once.
        failing = now.steady if state.failing_since is None else state.failing_since.steady
        if now.steady >= until or now.steady - failing >= STARTUP_S:
            yield by_cause
    if now.steady < until:
        yield Hold(Reason.STARTING, target.detail, until)
    if state.failing_since is not None and _is_too_early(state, now, policy):
        yield Hold(Reason.TOO_EARLY, until=state.failing_since.steady + policy.min_failure_s)
    curable = situation.curable(policy)
    if is_seen(situation.cause) and is_ban(situation.cause) and situation.turned_away:
        if not policy.restart_when_all_dropped:
            yield Hold(Reason.BANNED, seen_as=str(situation.cause.get("address") or target.seen_as))
    elif situation.all_dropped and target.condition is Condition.RUNNING and not target.guest:
        if not policy.restart_when_all_dropped:
            yield Hold(Reason.BANNED, seen_as=target.seen_as)
    elif not curable:
        yield Hold(Reason.INCURABLE, seen_as=target.seen_as if situation.rejected else "")
    elif _may_be_half_a_ban(state, curable, target, policy):
        yield Hold(Reason.APART)
    elif target.condition not in _ENDED and all(_may_be_ours(f, situation) for f in curable):
        yield Hold(Reason.UNPROVEN, services=tuple(failure.service for failure in curable))
    if target.condition is Condition.MISSING:
        yield Hold(Reason.MISSING if state.target.seen else Reason.UNSURE, target.detail)
    if target.condition in _TARGET_REASONS:
        yield Hold(_TARGET_REASONS[target.condition], target.detail)
    frees = budget_frees(state, now, policy)
    if frees is None or now.steady < frees:
        yield Hold(Reason.BUDGET, until=frees)
    not_before = earliest_restart(state, policy)
    if now.steady < not_before and not situation.left_by_us:
        yield Hold(Reason.BACKOFF, until=not_before)
    if curable and target.condition not in _ENDED and _is_seen_once(state, situation, curable):
        yield Hold(Reason.TOO_EARLY)


def _is_too_early(state: State, now: Now, policy: Policy) -> bool:
    """Whether the failure has not lasted for as long as it must."""
    since = state.failing_since
    return since is not None and now.steady < since.steady + policy.min_failure_s


def _by_cause(situation: Situation) -> Hold | None:
    """Return what the cause, where it was seen, says against a restart."""
    target, cause = situation.target, situation.cause
    if target.condition in _TARGET_REASONS or target.condition is Condition.MISSING:
        return None  # that is the reason, and the cause of all that is seen
    if is_incurable(cause):
        return Hold(Reason.HOPELESS, services=situation.passing)
    if kind(cause).passes and is_seen(cause) and situation.passing:
        return Hold(Reason.LIMIT, services=situation.passing)
    return None


def _may_be_half_a_ban(
    state: State, curable: Sequence[Failure], target: TargetState, policy: Policy
) -> bool:
    """Whether a ban that began or ended in mid-round would explain all of `curable`.

    Services are not asked at the same instant, and those that passed are not asked again by the
    retries. A second round in a row that sees some dropped and others not is no such accident.
    """
    if policy.restart_when_all_dropped or target.condition is not Condition.RUNNING or target.guest:
        return False
    return not state.dropped_apart and all(f.fault is Fault.DROPPED for f in curable)


def _is_seen_once(state: State, situation: Situation, curable: Sequence[Failure]) -> bool:
    """Whether one more look has to tell `curable` from an accident.

    Before an incident that is what was refused and listens by now. In one that is open for
    something else, it is what the last round did not see: each service is asked once there (see
    `core.schedule`), and a server that is reloaded just then, or one late answer, is no more than
    the first attempt of any other round.
    """
    if state.incident is None:
        came_back = {failure.service for failure in curable} <= situation.back
        return came_back and state.stage is Stage.HEALTHY
    before = {(failure.service, failure.fault) for failure in state.incident.failures}
    return not any((failure.service, failure.fault) in before for failure in curable)


def _may_be_ours(failure: Failure, situation: Situation) -> bool:
    """Whether a wrong setting may have brought the failure about."""
    is_new = failure.service in situation.unproven
    return is_new and (bool(situation.passing) or failure.fault in MISCONFIGURABLE)


def restarts_in_window(state: State, now: Now, policy: Policy) -> tuple[Now, ...]:
    """Return the restarts that count against the budget at `now`, oldest first."""
    return tuple(
        begun for begun in state.target.restarts if now.steady < begun.steady + policy.window_s
    )


def budget_frees(state: State, now: Now, policy: Policy) -> float | None:
    """Return when the budget allows one more restart (steady), None when it never will."""
    if not policy.max_restarts:
        return None
    spent = restarts_in_window(state, now, policy)
    if len(spent) < policy.max_restarts:
        return now.steady
    return spent[-policy.max_restarts].steady + policy.window_s


def backoff_s(streak: int, policy: Policy) -> float:
    """Return the seconds to wait after attempt number `streak` (>= 0) since the last re-arming."""
    if streak == 0:
        return 0
    # 2**64 seconds is longer than any ceiling: the exponent is bounded to keep the float finite.
    return min(policy.backoff_s * 2.0 ** min(streak - 1, 64), policy.backoff_max_s)


def earliest_restart(state: State, policy: Policy) -> float:
    """Return the moment (steady) before which backoff and cooldown forbid another attempt."""
    target, moments = state.target, [float("-inf")]
    if target.last_attempt_ended is not None:
        moments.append(target.last_attempt_ended.steady + backoff_s(target.streak, policy))
    if target.last_cure is not None:
        moments.append(target.last_cure.steady + policy.cooldown_s)
    return max(moments)


def restart_limit_s(target: TargetState, policy: Policy) -> float:
    """Return how long a restart of the target may take: it may end as slowly as it wants itself."""
    return policy.restart_limit_s + target.stops_later_s


def start_grace_s(target: TargetState, policy: Policy) -> float:
    """Return how long the target may take to start: what the admin allows us, or itself."""
    return max(policy.start_grace_s, target.starts_within_s)


def is_coming_up(target: TargetState, now: Now, policy: Policy) -> bool:
    """Whether the target is starting, or was started less than `settle_s` ago.

    While something does not listen in it yet, it gets `verify_for_s` more, as after a restart of
    ours: a host that boots is slow, and several servers come up one by one. Where
    its age is not known for certain, it is taken from the wall clock, by which the engine tells
    its start; one in the future (a clock that was set back) counts as no start at all.
    """
    if target.condition is Condition.STARTING:
        return True
    if target.condition is not Condition.RUNNING or target.started_at is None:
        return False
    is_ready = all(target.listens.values())
    patience_s = policy.settle_s + (0 if is_ready else policy.verify_for_s)
    age_s = now.wall - target.started_at if target.runs_for_s is None else target.runs_for_s
    return 0 <= age_s < patience_s
