"""The incident machine: (state, event, now, policy) -> (state, actions), one table of moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mailwatch.core.events import (
    Event,
    Failed,
    Note,
    Passed,
    RestartEnded,
    Restored,
    Tell,
    TimePassed,
    Unmeasured,
)
from mailwatch.core.facts import fact
from mailwatch.core.judgement import (
    BEFORE_OPENING,
    BY_ORDER,
    SAYS_WHAT_TO_DO,
    is_coming_up,
    start_grace_s,
    why_not,
)
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.policy import Policy
from mailwatch.core.state import Attempt, Left, Outcome, Stage, State
from mailwatch.core.transitions import (
    CUT_SHORT,
    Moment,
    Step,
    begin_restart,
    call_person,
    end_attempt,
    known_cause,
    leave_alone,
    lose_attempt,
    meet_again,
    open_anew,
    open_incident,
    remember,
    rest,
    settle,
    started_since,
    succeed,
    update,
)


def step(state: State, event: Event, now: Now, policy: Policy) -> Step:
    """Return the state after `event`, and what to do about it, in order.

    Pure and total: every pair of stage and event has its move in MOVES. `now.steady` must not
    be less than in the step before.
    """
    if isinstance(event, Restored):
        state = meet_again(state, event.target)
    after, actions = MOVES[state.stage, type(event)](state, event, Moment(now, policy))
    match event:
        case Failed():  # only now: the move itself compares this round with the one before
            after = replace(after, dropped_apart=event.situation.dropped_apart)
        case Passed() | Unmeasured():  # a round that could not look is no second one in a row
            after = replace(after, dropped_apart=False)
    return after, actions


# --- rounds that passed -------------------------------------------------------------------


def _stay_well(state: State, _event: Passed | Restored, at: Moment) -> Step:
    state = replace(state, stage=Stage.HEALTHY, failing_since=None)
    return rest(state.with_target(starting_since=None), at), ()


def _recover(state: State, event: Passed, at: Moment) -> Step:
    incident = open_incident(state)
    if event.watched is not None:
        gone = tuple(name for name in incident.services if name not in event.watched)
        incident = replace(incident, unwatched=gone)
    attempt = incident.last_attempt
    cured = attempt is not None and attempt.outcome is Outcome.RESTARTED
    if attempt is not None and cured:
        # What is no longer watched does not show whether the restart has helped.
        outcome = Outcome.RECOVERED if incident.answered else attempt.outcome
        incident = incident.with_last_attempt(replace(attempt, outcome=outcome, ended=at.now))
    elif attempt is not None and attempt.outcome is Outcome.PENDING:
        incident = end_attempt(incident, Outcome.INTERRUPTED, at, CUT_SHORT)
    closed = replace(incident, holds=(), closed=at.now)
    after = replace(state, stage=Stage.HEALTHY, incident=None, failing_since=None, due=None)
    after = after.with_target(
        starting_since=None,
        last_attempt_ended=at.now if cured else state.target.last_attempt_ended,
        last_cure=at.now if incident.attempts else state.target.last_cure,
    )
    return after, (Tell(Topic.RECOVERED, closed, at.now),)


# --- rounds that failed -------------------------------------------------------------------


def _judge(state: State, event: Failed, at: Moment) -> Step:
    """Decide what a failed round leads to, wherever no restart is under way."""
    event = _knowing_the_cause(state, _knowing_our_own_work(state, event, at))
    situation = event.situation
    state = remember(rest(state, at), situation, at)
    hold = why_not(state, situation, at.now, at.policy)
    if state.incident is None:
        if hold is not None and hold.reason in BEFORE_OPENING:
            known = state.stage is Stage.CONFIRMING
            return replace(state, stage=Stage.CONFIRMING), () if known else (Note(hold),)
        state = open_anew(state, event, at)
    state = replace(state, incident=update(open_incident(state), event))
    return begin_restart(state, situation, at) if hold is None else leave_alone(state, hold, at)


def _verify(state: State, event: Failed, at: Moment) -> Step:
    """Give a restarted target its final window, unless somebody else took hold of it."""
    event = _knowing_the_cause(state, _knowing_our_own_work(state, event, at))
    state = remember(state, event.situation, at)
    condition = event.situation.target.condition
    if condition in BY_ORDER:
        return _judge(lose_attempt(state, at, fact("attempt-intervened")), event, at)
    if condition in (Condition.ENDED, Condition.MISSING):
        return _judge(lose_attempt(state, at, fact("attempt-outlived")), event, at)
    state = replace(state, incident=update(open_incident(state), event))
    if state.due is not None and at.now.steady < state.due:
        return state, ()
    if state.target.starting_since is not None:  # somebody else has restarted it, say
        grace_s = start_grace_s(event.situation.target, at.policy)
        grace = state.target.starting_since.steady + grace_s
        if at.now.steady < grace:
            return state, ()
    lost = lose_attempt(state, at, fact("attempt-no-help"))
    if event.situation.paused_until is not None:
        # Whoever paused mailwatch is at work on it: nobody needs to be called.
        return _judge(lost, event, at)
    if not event.situation.curable(at.policy):
        return _judge(lost if event.situation.rejected else succeed(state, at), event, at)
    hold = why_not(lost, event.situation, at.now, at.policy)
    if hold is not None and hold.reason in SAYS_WHAT_TO_DO:
        lost = replace(lost, incident=open_incident(lost).held_by(hold))
    return call_person(lost, at)


def _await_restart(state: State, event: Failed, at: Moment) -> Step:
    """Look for the proof that a restart which was interrupted by our own end did happen."""
    incident = update(open_incident(state), event)
    attempt = incident.last_attempt
    if attempt is None or attempt.outcome is not Outcome.PENDING:
        return _judge(state, event, at)
    if started_since(attempt, event.situation.target.started_at):
        return settle(replace(state, incident=incident), at)
    if at.now.steady < attempt.begun.steady + _limit_s(attempt, at.policy):
        return replace(remember(state, event.situation, at), incident=incident), ()
    # Where the only forensics cannot be heard, whether it took place stays open until it can.
    if event.situation.target.condition not in (Condition.DENIED, Condition.UNREACHABLE):
        incident = end_attempt(incident, Outcome.INTERRUPTED, at, CUT_SHORT)
    return _judge(replace(state, incident=incident), event, at)


def _knowing_the_cause(state: State, event: Failed) -> Failed:
    """Tell the situation what is known of its cause, now or from an earlier round."""
    cause = known_cause(state.incident, event)
    return replace(event, situation=replace(event.situation, cause=cause))


def _knowing_our_own_work(state: State, event: Failed, at: Moment) -> Failed:
    """Tell a target that a restart of ours left stopped from one that an operator stopped.

    It need not have been the last one: that may have been cut short before it changed anything.
    """
    target = event.situation.target
    if state.incident is None or target.condition not in (Condition.STOPPED, Condition.ENDED):
        return event
    if not any(_has_stopped(one, target, at.policy) for one in state.incident.attempts):
        return event
    detail = fact("target-left-stopped", ended_at=target.finished_at)
    left = replace(target, condition=Condition.CRASHED, detail=detail)
    newest = _has_stopped(state.incident.attempts[-1], target, at.policy)
    situation = replace(event.situation, target=left, left_by_us=newest)
    return replace(event, situation=situation)


def _has_stopped(attempt: Attempt, target: TargetState, policy: Policy) -> bool:
    """Whether `attempt` has ended this run of the target, and started none after it.

    Where nobody knows what it has left, that is an end within the time of a restart: of one that
    was decided, or of one that the engine may carry out although it was given up.
    """
    if target.finished_at is None or started_since(attempt, target.started_at):
        return False
    if attempt.left is not None:
        return attempt.left == Left(target.identity, target.finished_at)
    given_up = attempt.ended if attempt.outcome is Outcome.FAILED else None
    until = (given_up or attempt.begun).wall + _limit_s(attempt, policy)
    return attempt.begun.wall <= target.finished_at <= until


def _limit_s(attempt: Attempt, policy: Policy) -> float:
    return max(attempt.limit_s, policy.restart_limit_s)


# --- what a restart leads to --------------------------------------------------------------


def _restart_ended(state: State, event: RestartEnded, at: Moment) -> Step:
    incident = open_incident(state)
    if incident.last_attempt is not None:
        attempt = replace(incident.last_attempt, left=event.left)
        state = replace(state, incident=incident.with_last_attempt(attempt))
    if event.intervened:
        # Nobody needs to be called: somebody is at work on it.
        return lose_attempt(state, at, event.error), ()
    if event.error:
        return call_person(lose_attempt(state, at, event.error), at)
    return settle(state, at)


def _begin_verifying(state: State, _event: TimePassed, at: Moment) -> Step:
    if state.due is not None and at.now.steady < state.due:
        return state, ()
    return replace(state, stage=Stage.VERIFYING, due=at.now.steady + at.policy.verify_for_s), ()


# --- started anew -------------------------------------------------------------------------


def _restored_restarting(state: State, event: Restored, at: Moment) -> Step:
    incident = open_incident(state)
    attempt = incident.last_attempt
    if attempt is not None and started_since(attempt, event.target.started_at):
        return settle(state, at)
    stage = Stage.DOWN if incident.escalated is None else Stage.ESCALATED
    return replace(state, stage=stage, due=None), ()


def _restored_settling(state: State, _event: Restored, at: Moment) -> Step:
    latest = at.now.steady + at.policy.settle_s
    due = latest if state.due is None else min(state.due, latest)
    return replace(state, due=due), ()


def _restored_verifying(state: State, event: Restored, at: Moment) -> Step:
    if is_coming_up(event.target, at.now, at.policy):
        # After a reboot, say: what it comes up from now is not what the window was for.
        return settle(state, at)
    latest = at.now.steady + at.policy.verify_for_s
    return replace(state, due=latest if state.due is None else min(state.due, latest)), ()


def _keep(state: State, _event: Event, _at: Moment) -> Step:
    return state, ()


# --- the table ----------------------------------------------------------------------------

# A move takes exactly the event type of its key, which mypy cannot express for one table.
Move = Callable[[State, Any, Moment], Step]

MOVES: dict[tuple[Stage, type], Move] = {
    (Stage.HEALTHY, Passed): _stay_well,
    (Stage.HEALTHY, Failed): _judge,
    (Stage.HEALTHY, Unmeasured): _keep,
    (Stage.HEALTHY, RestartEnded): _keep,
    (Stage.HEALTHY, TimePassed): _keep,
    (Stage.HEALTHY, Restored): _stay_well,
    (Stage.CONFIRMING, Passed): _stay_well,
    (Stage.CONFIRMING, Failed): _judge,
    (Stage.CONFIRMING, Unmeasured): _keep,
    (Stage.CONFIRMING, RestartEnded): _keep,
    (Stage.CONFIRMING, TimePassed): _keep,
    (Stage.CONFIRMING, Restored): _stay_well,
    (Stage.DOWN, Passed): _recover,
    (Stage.DOWN, Failed): _await_restart,
    (Stage.DOWN, Unmeasured): _keep,
    (Stage.DOWN, RestartEnded): _keep,
    (Stage.DOWN, TimePassed): _keep,
    (Stage.DOWN, Restored): _keep,
    # A round that was begun before a restart says nothing about the time after it.
    (Stage.RESTARTING, Passed): _keep,
    (Stage.RESTARTING, Failed): _keep,
    (Stage.RESTARTING, Unmeasured): _keep,
    (Stage.RESTARTING, RestartEnded): _restart_ended,
    (Stage.RESTARTING, TimePassed): _keep,
    (Stage.RESTARTING, Restored): _restored_restarting,
    (Stage.SETTLING, Passed): _keep,
    (Stage.SETTLING, Failed): _keep,
    (Stage.SETTLING, Unmeasured): _keep,
    (Stage.SETTLING, RestartEnded): _keep,
    (Stage.SETTLING, TimePassed): _begin_verifying,
    (Stage.SETTLING, Restored): _restored_settling,
    (Stage.VERIFYING, Passed): _recover,
    (Stage.VERIFYING, Failed): _verify,
    (Stage.VERIFYING, Unmeasured): _keep,
    (Stage.VERIFYING, RestartEnded): _keep,
    (Stage.VERIFYING, TimePassed): _keep,
    (Stage.VERIFYING, Restored): _restored_verifying,
    (Stage.ESCALATED, Passed): _recover,
    (Stage.ESCALATED, Failed): _await_restart,
    (Stage.ESCALATED, Unmeasured): _keep,
    (Stage.ESCALATED, RestartEnded): _keep,
    (Stage.ESCALATED, TimePassed): _keep,
    (Stage.ESCALATED, Restored): _keep,
}
