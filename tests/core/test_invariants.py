"""The promises of the incident machine, kept in every order of events, deaths and clock jumps.

A small world stands for the engine, the operator and the store. It judges by what was ordered
and told and when, and never asks the machine's own arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from mailwatch.core.codec import moved
from mailwatch.core.events import (
    Event,
    Failed,
    Passed,
    Restart,
    RestartEnded,
    Restored,
    Tell,
    TimePassed,
    Unmeasured,
)
from mailwatch.core.facts import words
from mailwatch.core.incident import step
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.observation import bad_news
from mailwatch.core.policy import Policy
from mailwatch.core.state import OPEN, Incident, Outcome, Reason, Stage, State
from mailwatch.core.transitions import NEWS_AFTER_S
from mailwatch.store.boot import shift_s

SLACK_S = 1e-3
"""Sums of moments near 2e9 are exact to a millionth of a second or so."""

POLICY = Policy(
    settle_s=5,
    verify_for_s=20,
    backoff_s=40,
    backoff_max_s=100,
    max_restarts=2,
    window_s=300,
    cooldown_s=50,
    rearm_after_s=200,
    start_grace_s=30,
    remind_every_s=60,
    restart_limit_s=20,
)

SERVICES = 4
OPERATOR = (Condition.STOPPED, Condition.PAUSED, Condition.REMOVING)
UNKNOWN = (Condition.REMOVED, Condition.ENDED, Condition.MISSING)
TOLD = (Topic.OPENED, Topic.HELD, Topic.ESCALATED)


@dataclass(frozen=True)
class Order:
    """One restart that the machine ordered."""

    at: float
    """As mailwatch could know the time: see World.lived."""
    incident: str
    number: int
    took_place: bool = False


def _wrong(incident: Incident) -> set[tuple[str, str]]:
    """Return what a person is to know of: the services that fail, and a ban."""
    banned = incident.hold is not None and incident.hold.reason is Reason.BANNED
    wrong = [*(one.service for one in incident.failures), *(["banned"] if banned else [])]
    return {(incident.id, what) for what in wrong}


@dataclass
class World:
    """An engine with one container, an operator, two clocks and a store, around one machine."""

    policy: Policy = POLICY
    steady: float = 1000.0
    wall: float = 1_700_000_000.0
    lived: float = 0.0
    """Seconds that passed as mailwatch could know: on another boot, what the wall clock says."""

    state: State = field(default_factory=State)
    kept: State = field(default_factory=State)
    written: Now = field(default_factory=lambda: Now(1000.0, 1_700_000_000.0))
    written_lived: float = 0.0

    condition: Condition = Condition.RUNNING
    engine_away: bool = False
    dead: bool = False
    """Whether nothing listens inside, which looks like a ban through Docker's proxy."""
    all_dropped: bool = False
    """Whether the last round was dropped as a whole."""
    some_dropped: bool = False
    """Whether the last round failed for nothing but that some services dropped us."""
    dropped_before: bool = False
    """Whether some services dropped us in the round before that, and others did not."""
    unproven: frozenset[str] = frozenset()
    """The services that never passed as they are configured now."""
    all_ours: bool = False
    """Whether the last round failed for nothing but what their settings may bring about."""
    started_at: float = 1_699_000_000.0
    finished_at: float | None = None
    stopped_by_operator: bool = False
    calling: bool = False
    asked: bool = False
    """The engine may still carry out the newest order, though its caller is dead."""

    orders: list[Order] = field(default_factory=list)
    told: list[tuple[float, Topic, str]] = field(default_factory=list)
    heard: frozenset[tuple[str, str]] = frozenset()
    """The incidents and what was told of each, to a person who is called or reminded."""

    def clone(self) -> World:
        other = copy(self)
        other.orders, other.told = list(self.orders), list(self.told)
        return other

    @property
    def now(self) -> Now:
        return Now(self.steady, self.wall)

    @property
    def target(self) -> TargetState:
        if self.engine_away:
            return TargetState(Condition.UNREACHABLE, words("Docker does not answer."))
        listens = dict.fromkeys(range(1, SERVICES + 1), not self.dead)
        return TargetState(
            self.condition, words(""), self.started_at, self.finished_at, listens=listens
        )

    def wait(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds
        self.lived += seconds

    # --- what mailwatch does ----------------------------------------------------------------

    def happen(self, event: Event, dies: str = "") -> None:
        """Let the machine take `event`; it `dies` "before" the commit or "after" it, or not."""
        before = self.state
        after, actions = step(before, event, self.now, self.policy)
        if isinstance(event, Unmeasured):
            rest = replace(before, dropped_apart=False)
            assert after == rest, "an unmeasured round but ends a row of two"
            assert not actions
        self._judge_restarts(event, [a for a in actions if isinstance(a, Restart)])
        if dies == "before":
            self.some_dropped = self.dropped_before  # nobody remembers this round
            return
        self.state = after
        if isinstance(event, Passed):
            self.some_dropped = False
        for action in actions:
            if isinstance(action, Tell):
                self._judge_message(action)
                self.told.append((self.lived, action.topic, action.incident.id))
                if action.topic in (Topic.ESCALATED, Topic.REMINDER):
                    self.heard |= _wrong(action.incident)
            elif isinstance(action, Restart):
                self.orders.append(Order(self.lived, action.incident, action.number))
                self.calling, self.asked = True, False
        if after != before or actions:
            self.kept, self.written, self.written_lived = after, self.now, self.lived
        self._judge_state()

    def engine_restarts(self) -> None:
        """Carry out the newest order."""
        self.orders[-1] = replace(self.orders[-1], took_place=True)
        self.started_at = max(self.wall, self.started_at + 1e-3)
        self.condition, self.finished_at, self.dead = Condition.RUNNING, None, False
        self.stopped_by_operator = self.asked = False

    @property
    def can_still_restart(self) -> bool:
        """Whether the engine may yet do what a dead caller asked of it."""
        return self.asked and self.lived - self.orders[-1].at < self.policy.restart_limit_s

    def start_anew(self, *, reboot: bool, away: float, jump: float) -> None:
        """A new process finds what was kept; meanwhile the wall clock may have jumped."""
        self.wait(away)
        self.wall += jump
        if reboot:
            self.steady = 7.0
            believed = max(0.0, self.wall - self.written.wall)
            self.lived = self.written_lived + believed
        self.asked = (self.asked or self.calling) and not reboot
        self.calling = False
        self.state = moved(self.kept, shift_s(self.written, self.now, same_boot=not reboot))
        # A store writes anew what it moved to this boot's clock, before anything else happens.
        self.kept, self.written, self.written_lived = self.state, self.now, self.lived
        self.happen(Restored(self.target))

    # --- what is promised -------------------------------------------------------------------

    def _judge_restarts(self, event: Event, restarts: list[Restart]) -> None:
        assert len(restarts) <= 1
        if not restarts:
            return
        (restart,) = restarts
        assert isinstance(event, Failed), "only a failed round restarts"
        assert not self.calling, "one restart at a time"
        assert event.situation.paused_until is None, "a pause is kept"
        assert not self.engine_away
        if self.all_dropped and not self.dead and self.condition is Condition.RUNNING:
            pytest.fail("a ban is not restarted for")
        if self.some_dropped and not self.dropped_before and self.condition is Condition.RUNNING:
            pytest.fail("half a ban is not restarted for")
        if self.all_ours and self.condition is not Condition.CRASHED:
            pytest.fail("a mistake of our own is not restarted for")
        if self.condition in (Condition.MISSING, Condition.REMOVED):
            pytest.fail("what is not there is not restarted")
        if self.condition is Condition.ENDED and not self._ambiguous():
            pytest.fail("what may have been stopped is left alone")
        if self.condition in OPERATOR and self.stopped_by_operator and not self._ambiguous():
            pytest.fail("a target that an operator stopped is left alone")
        recent = [o for o in self.orders if self.lived - o.at < self.policy.window_s - SLACK_S]
        assert len(recent) < self.policy.max_restarts, "the budget is kept"
        mine = [order for order in self.orders if order.incident == restart.incident]
        assert restart.number == len(mine) + 1, "no attempt is made twice"
        done = [order for order in mine if order.took_place]
        if done:
            pause_s = min(self.policy.backoff_s * 2 ** (len(done) - 1), self.policy.backoff_max_s)
            assert self.lived - done[-1].at >= pause_s - SLACK_S, "the backoff is kept"
        cured = {order.incident for order in self.orders if order.took_place}
        for at, topic, incident in self.told:
            if topic is Topic.RECOVERED and incident in cured:
                assert self.lived - at >= self.policy.cooldown_s - SLACK_S, "the cooldown is kept"

    def _ambiguous(self) -> bool:
        """Whether a cut restart could have stopped the target at that very time as well."""
        return bool(self.orders) and not self.orders[-1].took_place

    def _judge_message(self, tell: Tell) -> None:
        incident = tell.incident.id
        before = [topic for _, topic, of in self.told if of == incident]
        if tell.topic is not Topic.REMINDER:
            assert tell.topic not in before, "each turn is told once"
        assert Topic.RECOVERED not in before, "nothing follows the recovery"
        if tell.topic is Topic.RECOVERED:
            assert set(before) & set(TOLD), "no recovery of what was never told"
        else:
            unended = {of for _, _, of in self.told} - {
                of for _, topic, of in self.told if topic is Topic.RECOVERED
            }
            assert unended <= {incident}, "one open incident at a time"
        if tell.topic is Topic.REMINDER:
            calls = [
                at
                for at, topic, of in self.told
                if of == incident and topic in (Topic.ESCALATED, Topic.REMINDER, Topic.HELD)
            ]
            assert calls, "a reminder reminds of a call"
            last = tell.incident.last_attempt
            in_vain = last is not None and last.number == 1 and last.ended == tell.at
            if not (in_vain or self._is_news(tell)):
                assert self.policy.remind_every_s, "0 sends none"
                assert self.lived - calls[-1] >= self.policy.remind_every_s - SLACK_S
        if tell.next_restart is not None:
            assert tell.next_restart >= self.steady - SLACK_S

    def _is_news(self, tell: Tell) -> bool:
        """Whether a call tells of a service, or a ban, that no call has told of before."""
        paused = self.lived - self.told[-1][0] >= NEWS_AFTER_S - SLACK_S
        return paused and bool(_wrong(tell.incident) - self.heard)

    def _judge_state(self) -> None:
        state = self.state
        assert (state.stage in OPEN) == (state.incident is not None)
        ended = Counter(of for _, topic, of in self.told if topic is Topic.RECOVERED)
        for incident in {of for _, _, of in self.told}:
            is_open = state.incident is not None and state.incident.id == incident
            assert ended[incident] == (0 if is_open else 1), "what was told is ended once"
        if state.incident is not None:
            assert any(of == state.incident.id for _, _, of in self.told), "no silent incident"
            mine = [order for order in self.orders if order.incident == state.incident.id]
            for attempt, order in zip(state.incident.attempts, mine, strict=True):
                if order.took_place:
                    assert attempt.outcome is not Outcome.INTERRUPTED, "a restart leaves its proof"


def _failed(world: World, faults: tuple[Fault, ...], pause: Now | None = None) -> Failed:
    failed = [
        Reading(f"S{n}:{n}", Verdict.FAIL, fault, words("d")) for n, fault in enumerate(faults, 1)
    ]
    world.all_dropped = faults == (Fault.DROPPED,) * SERVICES
    world.dropped_before = world.some_dropped
    world.some_dropped = not world.dead and not world.all_dropped and set(faults) == {Fault.DROPPED}
    ours = {Fault.TLS, Fault.STATUS, Fault.CERTIFICATE}
    well = [Reading(f"S{n}:{n}", Verdict.PASS) for n in range(len(faults) + 1, SERVICES + 1)]
    may_be_ours = bool(well) or set(faults) <= ours
    world.all_ours = may_be_ours and {r.service for r in failed} <= world.unproven
    return bad_news([*failed, *well], world.target, pause, unproven=world.unproven)


# --- chance ---------------------------------------------------------------------------------

_SECONDS = st.sampled_from([0.0, 0.5, 4.0, 5.0, 15.0, 20.0, 30.0, 40.0, 60.0, 110.0, 250.0])
_JUMPS = st.sampled_from([0.0, 0.0, -86_400.0, -40.0, 40.0, 86_400.0])
_FAULTS = st.sampled_from(
    [
        (Fault.SILENT,),
        (Fault.TIMEOUT, Fault.REFUSED),
        (Fault.CERTIFICATE,),
        (Fault.TLS, Fault.STATUS),
        (Fault.DROPPED,),
        (Fault.DROPPED,) * SERVICES,
    ]
)


class Nights(RuleBasedStateMachine):
    """Everything that can happen to a mail server and its watcher, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.pause: Now | None = None

    @initialize(
        max_restarts=st.integers(0, 3),
        min_failure_s=st.sampled_from([0.0, 10.0]),
        backoff_s=st.sampled_from([0.0, 40.0]),
        cooldown_s=st.sampled_from([0.0, 50.0]),
        remind_every_s=st.sampled_from([0.0, 60.0]),
        known=st.booleans(),
    )
    def begin(self, known: bool, **of_policy: Any) -> None:
        self.world.policy = replace(POLICY, **of_policy)
        if known:
            self.world.happen(Restored(self.world.target))

    def _round(self, event: Event, dies: str = "") -> None:
        self.world.happen(event, dies)

    @rule(seconds=_SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)
        if self.pause is not None and self.pause.steady <= self.world.steady:
            self.pause = None
        self.world.happen(TimePassed())

    @rule(faults=_FAULTS)
    def services_fail(self, faults: tuple[Fault, ...]) -> None:
        self._round(_failed(self.world, faults, self.pause))

    @rule()
    def services_answer(self) -> None:
        self.world.unproven = frozenset()
        self._round(Passed())

    @rule(changed=st.sets(st.sampled_from([f"S{n}:{n}" for n in range(1, SERVICES + 1)])))
    def the_admin_changes_settings(self, changed: set[str]) -> None:
        self.world.unproven |= changed

    @rule()
    def nobody_could_look(self) -> None:
        self._round(Unmeasured())

    @precondition(lambda self: self.world.calling)
    @rule()
    def the_restart_works(self) -> None:
        self.world.engine_restarts()
        self.world.calling = False
        self.world.happen(RestartEnded())

    @precondition(lambda self: self.world.calling)
    @rule(happened=st.booleans(), left_stopped=st.booleans())
    def the_restart_call_fails(self, happened: bool, left_stopped: bool) -> None:
        if happened:
            self.world.engine_restarts()
        elif left_stopped:
            self.world.condition, self.world.finished_at = Condition.STOPPED, self.world.wall
            self.world.stopped_by_operator = False
        self.world.calling = False
        self.world.happen(RestartEnded(words("Docker says no.")))

    @precondition(lambda self: not self.world.calling)
    @rule(condition=st.sampled_from([*OPERATOR, *UNKNOWN, Condition.CRASHED, Condition.STARTING]))
    def the_target_changes(self, condition: Condition) -> None:
        self.world.condition = condition
        self.world.finished_at = self.world.wall
        self.world.stopped_by_operator = condition in OPERATOR

    @precondition(lambda self: not self.world.calling)
    @rule(again=st.booleans())
    def the_target_runs(self, again: bool) -> None:
        self.world.condition = Condition.RUNNING
        self.world.stopped_by_operator = False
        if again:
            self.world.started_at = max(self.world.wall, self.world.started_at + 1e-3)

    @precondition(lambda self: self.world.can_still_restart)
    @rule()
    def docker_finishes_what_a_dead_caller_asked(self) -> None:
        self.world.engine_restarts()

    @rule(dead=st.booleans())
    def the_server_dies_inside_or_lives(self, dead: bool) -> None:
        self.world.dead = dead

    @rule(away=st.booleans())
    def docker_goes_or_comes(self, away: bool) -> None:
        self.world.engine_away = away

    @rule(seconds=_SECONDS)
    def the_admin_pauses(self, seconds: float) -> None:
        self.pause = Now(self.world.steady + seconds, self.world.wall + seconds)
        if not seconds:
            self.pause = None

    @rule(jump=_JUMPS)
    def the_wall_clock_is_set(self, jump: float) -> None:
        self.world.wall += jump

    @rule(reboot=st.booleans(), away=_SECONDS, jump=_JUMPS, late=st.booleans())
    def mailwatch_is_killed(self, reboot: bool, away: float, jump: float, late: bool) -> None:
        """At rest, or in the middle of a restart call, which the engine may carry out."""
        if self.world.calling and late:
            self.world.engine_restarts()
        self.pause = None
        self.world.start_anew(reboot=reboot, away=away, jump=jump)

    @rule(
        faults=_FAULTS,
        dies=st.sampled_from(["before", "after"]),
        reboot=st.booleans(),
        away=_SECONDS,
        jump=_JUMPS,
    )
    def mailwatch_is_killed_in_a_step(
        self, faults: tuple[Fault, ...], dies: str, reboot: bool, away: float, jump: float
    ) -> None:
        """Before a commit the step never was; after it, what it ordered may not have begun."""
        self._round(_failed(self.world, faults, self.pause), dies)
        self.pause = None
        self.world.start_anew(reboot=reboot, away=away, jump=jump)


Nights.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, print_blob=True
)


TestNights = Nights.TestCase
"""Every promise holds on every night that hypothesis can think of."""


# --- exhaustively ---------------------------------------------------------------------------

Move = Callable[[World], None]


def _wait(seconds: float) -> Move:
    def move(world: World) -> None:
        world.wait(seconds)
        world.happen(TimePassed())

    return move


def _fail(condition: Condition) -> Move:
    def move(world: World) -> None:
        world.condition = condition
        world.stopped_by_operator = condition in OPERATOR
        world.engine_away = condition is Condition.UNREACHABLE
        world.happen(_failed(world, (Fault.SILENT,)))

    return move


def _end(error: str) -> Move:
    def move(world: World) -> None:
        if world.calling:
            world.calling = False
            if not error:
                world.engine_restarts()
            world.happen(RestartEnded(words(error)))

    return move


def _die(*, late: bool) -> Move:
    def move(world: World) -> None:
        if world.calling and late:
            world.engine_restarts()
        world.start_anew(reboot=False, away=1, jump=0)

    return move


def _finish(world: World) -> None:
    if world.can_still_restart:
        world.engine_restarts()


def _pass(world: World) -> None:
    world.happen(Passed())


MOVES: dict[str, Move] = {
    "wait 5": _wait(5),
    "wait 40": _wait(40),
    "wait 150": _wait(150),
    "fail": _fail(Condition.RUNNING),
    "fail, stopped": _fail(Condition.STOPPED),
    "fail, unreachable": _fail(Condition.UNREACHABLE),
    "pass": _pass,
    "restarted": _end(""),
    "refused": _end("no"),
    "die": _die(late=False),
    "die, restarted": _die(late=True),
    "restarted after all": _finish,
}
DEPTH = 5


def _following(world: World) -> Iterator[World]:
    for name, move in MOVES.items():
        if name in ("restarted", "refused", "die, restarted") and not world.calling:
            continue
        if name == "restarted after all" and not world.can_still_restart:
            continue
        after = world.clone()
        move(after)
        yield after


def _key(world: World) -> object:
    """What two histories must share for their futures to be the same."""
    state = moved(world.state, -world.steady)
    return (
        repr(state).replace(str(world.wall), "now"),
        world.condition,
        world.engine_away,
        world.calling,
        world.asked,
        tuple((world.lived - o.at, o.incident, o.took_place) for o in world.orders),
        tuple((world.lived - at, topic, of) for at, topic, of in world.told),
        world.started_at - world.wall,
    )


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, backoff_s=0, max_restarts=9)])
def test_every_short_history_keeps_the_promises(policy: Policy) -> None:
    """All histories of five moves out of twelve, breadth first, each distinct one gone on with."""
    frontier = [World(policy)]
    for _ in range(DEPTH - 1):
        following: dict[object, World] = {}
        for world in frontier:
            for after in _following(world):
                following.setdefault(_key(after), after)
        frontier = list(following.values())
    ends = [after.state.stage for world in frontier for after in _following(world)]
    assert set(ends) == set(Stage)
    assert len(ends) > 1000
