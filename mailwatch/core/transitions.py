"""The turns that an incident takes: it opens, is restarted, settles, is left alone, escalates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailwatch.core.causes import is_ban
from mailwatch.core.events import Action, Failed, Note, Restart, Tell
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.judgement import (
    BEFORE_OPENING,
    CALL_AT_ONCE,
    Situation,
    budget_frees,
    earliest_restart,
    is_coming_up,
    restart_limit_s,
    restarts_in_window,
)
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.policy import Policy
from mailwatch.core.state import Attempt, Hold, Incident, Outcome, Reason, Stage, State

_UNSEEN = frozenset({Condition.MISSING, Condition.REMOVED, Condition.DENIED, Condition.UNREACHABLE})
"""Where nobody can say that the target was there."""

_NOT_KNOWN = frozenset({Reason.DENIED, Reason.UNREACHABLE, Reason.UNSURE, Reason.MISSING})
"""Reasons that say nothing of what an operator did before."""

_UNDER_WAY = frozenset({Stage.RESTARTING, Stage.SETTLING, Stage.VERIFYING})

NEWS_AFTER_S = 60.0
"""How long after a call its news is told at the earliest: services mostly fail together."""

CUT_SHORT = fact("attempt-cut-short")

Step = tuple[State, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Moment:
    """What every move is told beside its state and event."""

    now: Now
    policy: Policy


def open_incident(state: State) -> Incident:
    """Return the open incident; raises ValueError where there is none."""
    if state.incident is None:
        raise ValueError(f"the stage is {state.stage}, but no incident is open")
    return state.incident


def remember(state: State, situation: Situation, at: Moment) -> State:
    """Note since when services fail and the target comes up, and whether it was ever found."""
    coming_up = is_coming_up(situation.target, at.now, at.policy)
    state = replace(state, failing_since=state.failing_since or situation.noticed or at.now)
    return state.with_target(
        starting_since=(state.target.starting_since or at.now) if coming_up else None,
        seen=state.target.seen or situation.target.condition not in _UNSEEN,
    )


def rest(state: State, at: Moment) -> State:
    """Make the next attempt a first one again once all has been well for long enough."""
    cured = state.target.last_cure
    if state.failing_since is not None or cured is None:
        return state
    is_over = at.now.steady - cured.steady >= at.policy.rearm_after_s
    return state.with_target(streak=0) if is_over else state


def aim(state: State, key: str) -> State:
    """Return `state` for a configuration whose target has this `key`, as `Target.key` says it.

    Nobody has seen it yet where it is another than before: if it is missing, its name may be
    misspelt. A state without a kind is of a version that kept none, and is taken as its own.
    """
    before = state.target
    is_own = before.key == key or ":" not in before.key
    return state.with_target(key=key, seen=before.seen and is_own)


def meet_again(state: State, target: TargetState) -> State:
    """Note what a new process finds: what began a row of looks was another's, or another boot's."""
    seen = state.target.seen or target.condition not in _UNSEEN
    return replace(state, dropped_apart=False).with_target(starting_since=None, seen=seen)


def after_boot(state: State, now: Now) -> State:
    """Return `state`, restored at `now`, without a restart that a boot of the host has cut short.

    The host itself has started since what it starts: whether the restart helped, nobody can say,
    and what does not run yet has its grace.
    """
    incident = state.incident
    attempt = None if incident is None else incident.last_attempt
    if incident is None or attempt is None or state.booted != now:
        return state
    if state.stage not in _UNDER_WAY and attempt.outcome is not Outcome.PENDING:
        return state
    cut = replace(
        attempt,
        outcome=Outcome.INTERRUPTED,
        detail=fact("attempt-rebooted"),
        ended=now,
        sharers=(),  # the host has started them anew as well
    )
    stage = Stage.DOWN if incident.escalated is None else Stage.ESCALATED
    return replace(state, stage=stage, incident=incident.with_last_attempt(cut), due=None)


def open_anew(state: State, event: Failed, at: Moment) -> State:
    """Open an incident for the round that failed; nothing has been told of it yet."""
    failures = event.situation.failures
    incident = Incident(
        id=incident_id(at.now.wall, state.last_id),
        since=state.failing_since or at.now,
        opened=at.now,
        failures=failures,
        first_failures=failures,
        target=event.situation.target.detail,
    )
    return replace(state, stage=Stage.DOWN, incident=incident, last_id=incident.id)


def update(incident: Incident, event: Failed) -> Incident:
    """Note what fails now, and a cause if one has been found."""
    cause, after = known_cause(incident, event), incident.cause_after
    if cause in (event.cause, event.plain):
        after = len(incident.attempts)
    return replace(incident, failures=event.situation.failures, cause=cause, cause_after=after)


def known_cause(incident: Incident | None, event: Failed) -> Fact:
    """Return the likely cause: a new one if it was looked for, else that of before."""
    if incident is None:
        return event.cause or event.plain
    failures = event.situation.failures
    held = incident.hold is not None and incident.hold.reason in (Reason.BANNED, Reason.APART)
    # Whatever explained a ban does not explain what came after it, nor after some other hold.
    of_a_ban = held or is_ban(incident.cause)
    over = of_a_ban and all(failure.fault is not Fault.DROPPED for failure in failures)
    return event.cause or (NOTHING if over or event.looked else incident.cause) or event.plain


def begin_restart(state: State, situation: Situation, at: Moment) -> Step:
    """Record a new attempt, and tell of the incident unless that was done."""
    incident = open_incident(state)
    number = len(incident.attempts) + 1
    started_at, key = situation.target.started_at, state.target.key
    attempt = Attempt(
        number,
        begun=at.now,
        started_at=started_at,
        target=key,
        limit_s=restart_limit_s(situation.target, at.policy),
        sharers=situation.target.sharers,
    )
    tell_opened = not incident.opened_told and incident.escalated is None
    incident = replace(
        incident,
        attempts=(*incident.attempts, attempt),
        holds=(),
        opened_told=True,
        target=situation.target.detail or incident.target,
    )
    state = replace(state, stage=Stage.RESTARTING, incident=incident, due=None)
    state = state.with_target(
        restarts=(*restarts_in_window(state, at.now, at.policy), at.now),
        streak=state.target.streak + 1,
    )
    told = (Tell(Topic.OPENED, incident, at.now),) if tell_opened else ()
    return state, (*told, Restart(incident.id, number, situation.target))


def stood_still(state: State, lost_s: float) -> State:
    """Return `state` after mailwatch lost `lost_s`, which are not the target's to answer for."""
    return state if state.due is None else replace(state, due=state.due + lost_s)


def settle(state: State, at: Moment) -> Step:
    """Take the newest attempt as done, and give the services their time to come up."""
    incident = open_incident(state)
    attempt = incident.last_attempt
    if attempt is not None:
        incident = incident.with_last_attempt(replace(attempt, outcome=Outcome.RESTARTED))
    incident = replace(incident, holds=())
    due = at.now.steady + at.policy.settle_s
    # What came up before the restart has used its grace; what comes up after it has its own.
    after = replace(state, stage=Stage.SETTLING, incident=incident, due=due)
    return after.with_target(starting_since=None), ()


def succeed(state: State, at: Moment) -> State:
    """Note that the newest attempt has cured all that it can, and that other things still fail."""
    helped = fact("attempt-helped")
    return _is_over(state, at, Outcome.RECOVERED, helped).with_target(last_cure=at.now)


def lose_attempt(state: State, at: Moment, detail: Fact) -> State:
    """Note that the newest attempt was in vain; the backoff counts from now."""
    return _is_over(state, at, Outcome.FAILED, detail)


def _is_over(state: State, at: Moment, outcome: Outcome, detail: Fact) -> State:
    incident = end_attempt(open_incident(state), outcome, at, detail)
    state = replace(state, stage=Stage.DOWN, incident=incident, due=None)
    return state.with_target(last_attempt_ended=at.now)


def end_attempt(incident: Incident, outcome: Outcome, at: Moment, detail: Fact) -> Incident:
    """Note how the newest attempt ended and why."""
    attempt = incident.last_attempt
    if attempt is None:
        return incident
    ended = replace(attempt, outcome=outcome, detail=detail, ended=at.now)
    return incident.with_last_attempt(ended)


def leave_alone(state: State, hold: Hold, at: Moment) -> Step:
    """Leave the target as it is, say why once, and call a person when that is called for."""
    incident = open_incident(state)
    if hold.reason in _NOT_KNOWN and incident.hold and incident.hold.reason is Reason.OPERATOR:
        # What an operator did is the last thing that is known; an engine soon forgets its events.
        hold = incident.hold
    is_new = incident.hold is None or incident.hold.reason is not hold.reason
    notes: tuple[Action, ...] = (Note(hold),) if is_new else ()
    incident = incident.held_by(hold)
    escalated = incident.escalated is not None
    stage = Stage.ESCALATED if escalated else Stage.DOWN
    state = replace(state, stage=stage, incident=incident)
    if hold.reason in BEFORE_OPENING:
        return state, notes
    if hold.reason is Reason.OPERATOR:
        if incident.held_told or escalated:
            return state, notes
        incident = replace(incident, held_told=True)
        return replace(state, incident=incident), (*notes, Tell(Topic.HELD, incident, at.now))
    if hold.reason is Reason.UNSURE and not escalated:
        state, asked = _ask(state, at)
        return state, (*notes, *asked)
    window_s = at.policy.settle_s + at.policy.verify_for_s
    overdue = at.now.steady - incident.opened.steady >= window_s
    told: tuple[Action, ...] = ()
    if escalated:
        state, told = _remind(state, at)
    elif hold.reason in CALL_AT_ONCE or overdue:
        state, told = call_person(state, at)
    elif not incident.opened_told:
        incident = replace(incident, opened_told=True)
        state = replace(state, incident=incident)
        told = (Tell(Topic.OPENED, incident, at.now, _next_restart(state, at)),)
    return state, (*notes, *told)


def _ask(state: State, at: Moment) -> Step:
    """Tell that nobody knows whether the target is to run, once and then as a reminder."""
    incident = open_incident(state)
    if incident.unsure is not None:
        return _remind(state, at)
    told = () if incident.held_told else (Tell(Topic.HELD, incident, at.now),)
    incident = replace(incident, held_told=True, unsure=at.now)
    return replace(state, incident=incident), told


def call_person(state: State, at: Moment) -> Step:
    """Call a person, once per incident; further attempts go on quietly.

    Who was called before the first attempt, for something else, is told that it was in vain.
    """
    incident = open_incident(state)
    if incident.escalated is not None:
        state = replace(state, stage=Stage.ESCALATED)
        last = incident.last_attempt
        is_first = last is not None and last.number == 1 and last.ended == at.now
        return _remind(state, at, at_once=is_first)
    incident = _called(replace(incident, escalated=at.now, opened_told=True))
    state = replace(state, stage=Stage.ESCALATED, incident=incident)
    return state, (Tell(Topic.ESCALATED, incident, at.now, _next_restart(state, at)),)


def _remind(state: State, at: Moment, *, at_once: bool = False) -> Step:
    incident = open_incident(state)
    moments = (incident.unsure, incident.escalated, incident.reminded)
    last = max((one for one in moments if one), key=lambda one: one.steady, default=None)
    pause = at.policy.remind_every_s
    is_time = last is not None and pause > 0 and at.now.steady - last.steady >= pause
    is_late = last is not None and at.now.steady - last.steady >= NEWS_AFTER_S
    if not (is_time or at_once or (is_late and _has_news(incident))):
        return state, ()
    incident = _called(replace(incident, reminded=at.now))
    state = replace(state, incident=incident)
    return state, (Tell(Topic.REMINDER, incident, at.now, _next_restart(state, at)),)


def _has_news(incident: Incident) -> bool:
    """Whether a person who was called has not heard of all that is wrong by now."""
    if incident.escalated is None or incident.called_for is None:
        return False
    failing = {one.service for one in incident.failures}
    return bool(failing - set(incident.called_for)) or (
        _is_banned(incident) and not incident.called_banned
    )


def _called(incident: Incident) -> Incident:
    """Note of what the person has heard who is called, or reminded, now."""
    failing = (one.service for one in incident.failures)
    called_for = tuple(dict.fromkeys((*(incident.called_for or ()), *failing)))
    banned = incident.called_banned or _is_banned(incident)
    return replace(incident, called_for=called_for, called_banned=banned)


def _is_banned(incident: Incident) -> bool:
    return incident.hold is not None and incident.hold.reason is Reason.BANNED


def _next_restart(state: State, at: Moment) -> float | None:
    """Return when a further attempt is allowed (steady), None when no time alone brings one."""
    hold = open_incident(state).hold
    if hold is not None and hold.reason not in (Reason.BACKOFF, Reason.BUDGET):
        return None
    frees = budget_frees(state, at.now, at.policy)
    return None if frees is None else max(frees, earliest_restart(state, at.policy))


def started_since(attempt: Attempt, started_at: float | None) -> bool:
    """Whether the target was started after the attempt was decided.

    Then its start is another one: a later one, unless the clock was set back in between.
    """
    return started_at is not None and started_at != attempt.started_at


def incident_id(wall: float, last: str = "") -> str:
    """Return the id of an incident that opens at `wall`: its moment in UTC, ISO 8601 basic.

    It sorts by time and stays unique when a store is lost. Where it would not sort after `last`,
    the id before it, because both are of the same second or the wall clock was set back, it is
    the moment of `last` with the next number: `20260301T030400Z-2`.
    """
    moment = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
    before, _, number = last.partition("-")
    return f"{before}-{int(number or 1) + 1}" if moment <= before else moment
