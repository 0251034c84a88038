from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.causes import (
    INFERRED,
    KINDS,
    SEEN,
    Confidence,
    Restart,
    is_ban,
    is_incurable,
)
from mailwatch.core.facts import NOTHING, fact, words
from mailwatch.core.judgement import (
    STARTUP_S,
    Situation,
    backoff_s,
    budget_frees,
    is_coming_up,
    restarts_in_window,
    why_not,
)
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.policy import NEVER_CURED, Policy
from mailwatch.core.say import TEMPLATES
from mailwatch.core.state import Hold, Reason, State, TargetMemory

pytestmark = pytest.mark.usefixtures("said_both_ways")

WALL = 1_700_000_000.0
NOW = Now(100_000.0, WALL + 100_000)
POLICY = Policy(min_failure_s=100, max_restarts=2)
DROPPED = (Fault.DROPPED,) * 4

Maker = Callable[..., Situation]


def _ago(seconds: float) -> Now:
    return Now(NOW.steady - seconds, NOW.wall - seconds)


CLEAR = State(failing_since=_ago(100), targets=(TargetMemory(seen=True),))
AGAIN = replace(CLEAR, dropped_apart=True)
"""The round before was like this one."""


def _why(state: State, situation: Situation, policy: Policy = POLICY) -> Hold | None:
    return why_not(state, situation, NOW, policy)


def test_a_plain_failure_of_a_running_target_is_restarted(situation: Maker) -> None:
    """When nothing speaks against it, nothing is waited for."""
    assert _why(CLEAR, situation()) is None
    assert _why(CLEAR, situation(condition=Condition.CRASHED)) is None
    assert _why(CLEAR, situation(condition=Condition.OOM_KILLED)) is None


def test_a_pause_holds_until_it_ends(situation: Maker) -> None:
    """A pause that is over is none, even if nobody has taken it away."""
    until = Now(NOW.steady + 60, NOW.wall + 60)
    assert _why(CLEAR, situation(paused_until=until)) == Hold(Reason.PAUSED, until=until.steady)
    assert _why(CLEAR, situation(paused_until=NOW)) is None
    assert _why(CLEAR, situation(paused_until=_ago(1))) is None


def test_a_starting_target_is_held_for_its_grace(situation: Maker) -> None:
    """Up to the moment at which the grace ends, and not longer."""
    starting = situation(condition=Condition.STARTING)
    held = _why(CLEAR.with_target(starting_since=_ago(299)), starting)
    assert held == Hold(Reason.STARTING, until=NOW.steady + 1)
    assert _why(CLEAR.with_target(starting_since=_ago(300)), starting) is None


def test_a_failure_must_have_lasted(situation: Maker) -> None:
    """Shorter ones hold, as long as the admin says."""
    held = _why(replace(CLEAR, failing_since=_ago(99)), situation())
    assert held == Hold(Reason.TOO_EARLY, until=NOW.steady + 1)


def test_all_dropped_is_a_ban_unless_the_admin_says_otherwise(situation: Maker) -> None:
    """Only when every service of a running target drops us at once."""
    held = _why(CLEAR, situation(*DROPPED))
    assert held is not None
    assert held.reason is Reason.BANNED
    assert _why(CLEAR, situation(*DROPPED), replace(POLICY, restart_when_all_dropped=True)) is None
    assert _why(CLEAR, situation(*DROPPED[1:], Fault.SILENT)) is None
    assert _why(CLEAR, situation(*DROPPED, condition=Condition.CRASHED)) is None


def test_a_ban_may_be_in_words_at_some_ports(situation: Maker) -> None:
    """Some of the services drop us and the others turn us away in words: a ban all the same."""
    held = _why(CLEAR, situation(Fault.REJECTED, *DROPPED[1:]))
    assert held is not None
    assert held.reason is Reason.BANNED
    assert _why(CLEAR, situation(Fault.REJECTED, *DROPPED[2:])) == Hold(Reason.APART)


def test_half_a_ban_is_told_from_a_service_that_drops_us_by_the_next_round(
    situation: Maker,
) -> None:
    """What a ban in mid-round explains waits for a second round; nothing else does."""
    some = situation(*DROPPED[1:])
    assert _why(CLEAR, some) == Hold(Reason.APART)
    assert _why(AGAIN, some) is None
    assert _why(CLEAR, situation(Fault.CERTIFICATE, *DROPPED[2:])) == Hold(Reason.APART)
    assert _why(CLEAR, situation(*DROPPED[2:], Fault.REFUSED)) is None
    assert _why(CLEAR, situation(*DROPPED[1:], condition=Condition.CRASHED)) is None
    assert _why(CLEAR, some, replace(POLICY, restart_when_all_dropped=True)) is None
    never_passed = replace(some, unproven=frozenset({"S1:1", "S2:2", "S3:3"}), passing=("S9:9",))
    assert _why(CLEAR, never_passed) == Hold(Reason.APART)
    assert _why(AGAIN, never_passed) == Hold(Reason.UNPROVEN, services=("S1:1", "S2:2", "S3:3"))


def test_who_is_turned_away_in_words_learns_the_address(situation: Maker) -> None:
    """It restarts nothing unless the admin names it; one curable fault beside it restarts."""
    away = situation(*[Fault.REJECTED] * 4)
    away = replace(away, target=replace(away.target, seen_as="172.17.0.1"))
    assert _why(CLEAR, away) == Hold(Reason.INCURABLE, seen_as="172.17.0.1")
    assert _why(CLEAR, away, replace(POLICY, restart_on=frozenset({Fault.REJECTED}))) is None
    assert _why(CLEAR, situation(Fault.REJECTED, Fault.SILENT)) is None


def test_what_is_no_port_says_nothing_about_a_ban(situation: Maker) -> None:
    """A long queue or a lost MX beside four dropped ports does not make a restart of a ban."""
    for fault in (Fault.QUEUE, Fault.DNS, Fault.COMMAND):
        held = _why(CLEAR, situation(*DROPPED, fault))
        assert held is not None
        assert held.reason is Reason.BANNED


@pytest.mark.parametrize("fault", [Fault.QUEUE, Fault.DNS, Fault.COMMAND])
def test_what_is_no_port_restarts_nothing_by_default(fault: Fault, situation: Maker) -> None:
    """Only where `on` names it."""
    held = _why(CLEAR, situation(fault))
    assert held is not None
    assert held.reason is Reason.INCURABLE
    assert _why(CLEAR, situation(fault), replace(POLICY, restart_on=frozenset({fault}))) is None


@pytest.mark.parametrize("fault", [Fault.CERTIFICATE, Fault.AUTHENTICATION])
def test_a_fault_that_no_restart_cures_is_held(situation: Maker, fault: Fault) -> None:
    """One curable fault beside it is enough to restart, and so is to name it; no certificate is."""
    held = _why(CLEAR, situation(fault))
    assert held == Hold(Reason.INCURABLE)
    assert _why(CLEAR, situation(fault, Fault.TIMEOUT)) is None
    named = _why(CLEAR, situation(fault), replace(POLICY, restart_on=frozenset(Fault)))
    assert named == (Hold(Reason.INCURABLE) if fault is Fault.CERTIFICATE else None)


@pytest.mark.parametrize("fault", sorted(set(Fault) - NEVER_CURED))
def test_what_never_passed_as_configured_may_be_our_own_mistake(
    situation: Maker, fault: Fault
) -> None:
    """Faults that a wrong setting brings about hold then; a server that hangs never does."""
    every = replace(POLICY, restart_on=frozenset(Fault))
    fresh = situation(fault, unproven=frozenset({"S1:1"}))
    ours = fault not in (
        Fault.REFUSED,
        Fault.TIMEOUT,
        Fault.SILENT,
        Fault.DROPPED,
        Fault.RESET,
    )
    assert _why(AGAIN, fresh, every) == (
        Hold(Reason.UNPROVEN, services=("S1:1",)) if ours else None
    )
    assert _why(AGAIN, replace(fresh, unproven=frozenset({"S2:2"})), every) is None


@pytest.mark.parametrize("fault", sorted(set(Fault) - NEVER_CURED))
def test_what_never_passed_is_no_hang_while_others_answer(situation: Maker, fault: Fault) -> None:
    """A wrong port is refused, and one that waits for TLS is silent: the server is well."""
    every = replace(POLICY, restart_on=frozenset(Fault))
    new = frozenset({"S1:1"})
    alone = replace(situation(fault, unproven=new), passing=("S9:9",))
    assert _why(AGAIN, alone, every) == Hold(Reason.UNPROVEN, services=("S1:1",))
    with_another = replace(situation(fault, Fault.SILENT, unproven=new), passing=("S9:9",))
    assert _why(CLEAR, with_another, every) is None
    ended = replace(situation(fault, condition=Condition.CRASHED, unproven=new), passing=("S9:9",))
    assert _why(CLEAR, ended, every) is None


def test_another_reason_to_restart_outweighs_a_service_that_never_passed(situation: Maker) -> None:
    """A fault of a proven service, one that no setting brings about, or a target that ended."""
    new = frozenset({"S1:1", "S2:2"})
    held = _why(CLEAR, situation(Fault.TLS, Fault.STATUS, unproven=new))
    assert held == Hold(Reason.UNPROVEN, services=("S1:1", "S2:2"))
    with_certificate = situation(Fault.TLS, Fault.CERTIFICATE, unproven=new)
    assert _why(CLEAR, with_certificate) == Hold(Reason.UNPROVEN, services=("S1:1",))
    only_first = situation(Fault.TLS, Fault.STATUS, unproven=frozenset({"S1:1"}))
    assert _why(CLEAR, only_first) is None
    assert _why(CLEAR, situation(Fault.TLS, Fault.SILENT, unproven=new)) is None
    for condition in (Condition.CRASHED, Condition.OOM_KILLED):
        ended = situation(Fault.STATUS, condition=condition, unproven=new)
        assert _why(CLEAR, ended) is None


@pytest.mark.parametrize(
    ("condition", "seen", "reason"),
    [
        (Condition.STOPPED, False, Reason.OPERATOR),
        (Condition.PAUSED, False, Reason.OPERATOR),
        (Condition.REMOVING, False, Reason.OPERATOR),
        (Condition.REMOVED, False, Reason.OPERATOR),
        (Condition.ENDED, True, Reason.UNSURE),
        (Condition.MISSING, True, Reason.MISSING),
        (Condition.MISSING, False, Reason.UNSURE),
        (Condition.DENIED, True, Reason.DENIED),
        (Condition.UNREACHABLE, True, Reason.UNREACHABLE),
    ],
)
def test_the_target_itself_may_forbid_a_restart(
    situation: Maker, condition: Condition, seen: bool, reason: Reason
) -> None:
    """And its own sentence says why."""
    held = _why(CLEAR.with_target(seen=seen), situation(condition=condition, detail="So."))
    assert held == Hold(reason, words("So."))


def test_a_spent_budget_holds_until_its_oldest_restart_is_forgotten(situation: Maker) -> None:
    """With two restarts allowed, the second-newest counts."""
    spent = CLEAR.with_target(restarts=(_ago(20_000), _ago(9_000), _ago(10)))
    assert _why(spent, situation()) == Hold(
        Reason.BUDGET, until=NOW.steady - 9_000 + POLICY.window_s
    )
    free = CLEAR.with_target(restarts=(_ago(POLICY.window_s), _ago(10)))
    assert _why(free, situation()) is None
    never = replace(POLICY, max_restarts=0)
    assert _why(CLEAR, situation(), never) == Hold(Reason.BUDGET, until=None)


def test_backoff_and_cooldown_hold_whichever_is_longer(situation: Maker) -> None:
    """One after an attempt, the other after a recovery."""
    after_attempt = CLEAR.with_target(streak=1, last_attempt_ended=_ago(250))
    assert _why(after_attempt, situation()) == Hold(Reason.BACKOFF, until=NOW.steady + 50)
    both = after_attempt.with_target(last_cure=_ago(100))
    assert _why(both, situation()) == Hold(Reason.BACKOFF, until=NOW.steady + 200)
    over = CLEAR.with_target(streak=1, last_attempt_ended=_ago(300), last_cure=_ago(300))
    assert _why(over, situation()) is None


def test_reasons_are_asked_in_their_order(situation: Maker) -> None:
    """With everything against a restart, each reason hides the next, down to the last."""
    state = replace(CLEAR, failing_since=_ago(1)).with_target(
        starting_since=_ago(1),
        restarts=(_ago(2), _ago(1)),
        streak=1,
        last_attempt_ended=_ago(1),
    )
    pause = Now(NOW.steady + 1, NOW.wall + 1)
    incurable = situation(Fault.CERTIFICATE, condition=Condition.STOPPED, paused_until=pause)
    found = []

    def ask() -> None:
        hold = _why(state, incurable)
        assert hold is not None
        found.append(hold.reason)

    ask()
    incurable = replace(incurable, paused_until=None)
    ask()
    state = state.with_target(starting_since=None)
    ask()
    state = replace(state, failing_since=_ago(100))
    ask()
    banned = _why(state, situation(*DROPPED, paused_until=None))
    assert banned is not None
    found.append(banned.reason)
    new = frozenset({"S1:1"})
    incurable = situation(Fault.TLS, condition=Condition.STOPPED, unproven=new)
    ask()
    incurable = situation(condition=Condition.STOPPED)
    ask()
    incurable = situation()
    ask()
    state = state.with_target(restarts=())
    ask()
    assert found == [
        Reason.PAUSED,
        Reason.STARTING,
        Reason.TOO_EARLY,
        Reason.INCURABLE,
        Reason.BANNED,
        Reason.UNPROVEN,
        Reason.OPERATOR,
        Reason.BUDGET,
        Reason.BACKOFF,
    ]


@given(st.integers(0, 10_000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_backoff_grows_up_to_its_ceiling(streak: int, first: float, longest: float) -> None:
    """It never shrinks with further attempts, and the first attempt never waits."""
    policy = Policy(backoff_s=first, backoff_max_s=longest)
    assert backoff_s(0, policy) == 0
    assert backoff_s(streak, policy) <= backoff_s(streak + 1, policy) <= longest
    assert backoff_s(1, policy) == min(first, longest)


def test_the_backoff_doubles() -> None:
    """As the manual's timeline says."""
    waits = [backoff_s(streak, Policy()) for streak in range(7)]
    assert waits == [0, 300, 600, 1200, 2400, 3600, 3600]


@given(st.lists(st.floats(0, 1e5), max_size=8), st.integers(1, 6), st.floats(1, 1e5))
def test_the_budget_frees_exactly_when_it_says(
    ages: list[float], most: int, window_s: float
) -> None:
    """At that moment there is room, and where it lies ahead there was none right before."""
    policy = Policy(max_restarts=most, window_s=window_s)
    state = State().with_target(restarts=tuple(_ago(age) for age in sorted(ages, reverse=True)))
    frees = budget_frees(state, NOW, policy)
    assert frees is not None
    assert frees >= NOW.steady
    assert len(restarts_in_window(state, Now(frees, 0), policy)) < most
    if frees > NOW.steady + 1e-6:
        assert len(restarts_in_window(state, Now(frees - 1e-6, 0), policy)) >= most


def test_a_start_in_the_future_counts_as_none() -> None:
    """A clock that was set back does not make an old target a new one for ever."""
    target = TargetState(Condition.RUNNING, started_at=NOW.wall + 1)
    assert not is_coming_up(target, NOW, POLICY)
    assert is_coming_up(replace(target, started_at=NOW.wall - 14.9), NOW, POLICY)
    assert not is_coming_up(replace(target, started_at=NOW.wall - 15), NOW, POLICY)
    assert not is_coming_up(TargetState(Condition.RUNNING), NOW, POLICY)
    assert not is_coming_up(TargetState(Condition.CRASHED, started_at=NOW.wall), NOW, POLICY)
    assert is_coming_up(TargetState(Condition.STARTING), NOW, POLICY)


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
def test_a_clock_that_is_set_while_it_starts_makes_it_no_older(jump_s: float) -> None:
    """A host without a battery for its clock boots, starts it, and then learns what day it is."""
    moved = TargetState(Condition.RUNNING, started_at=NOW.wall - jump_s, runs_for_s=14.9)
    assert is_coming_up(moved, NOW, POLICY)
    assert not is_coming_up(replace(moved, runs_for_s=15), NOW, POLICY)


def test_a_slow_starter_gets_as_long_as_after_a_restart() -> None:
    """As long as one does not listen in it yet; if all listen it is up, and one unknown is too."""
    young = TargetState(Condition.RUNNING, started_at=NOW.wall - 74.9)
    silent = replace(young, listens={25: False, 993: False})
    assert is_coming_up(silent, NOW, POLICY)
    assert not is_coming_up(replace(silent, started_at=NOW.wall - 75), NOW, POLICY)
    assert is_coming_up(replace(young, listens={25: False, 993: True}), NOW, POLICY)
    assert not is_coming_up(replace(young, listens={25: True, 993: True}), NOW, POLICY)
    assert not is_coming_up(young, NOW, POLICY)


FULL = fact("server-store-full", server="Stalwart")
LISTENER = fact("server-listener-full", server="Stalwart", listener="imaptls", limit="8192")
US = fact("ban-by-server", server="Stalwart", address="172.17.0.1")


def test_what_no_restart_cures_holds_where_it_was_seen(situation: Maker) -> None:
    """And says what still serves; what is inferred, or helped for a while, holds nothing."""
    held = _why(CLEAR, situation(cause=FULL, passing=("HTTPS:443",)))
    assert held == Hold(Reason.HOPELESS, services=("HTTPS:443",))
    guessed = fact("server-store-full", server="Stalwart", **INFERRED)
    assert _why(CLEAR, situation(cause=guessed)) is None
    assert _why(CLEAR, situation(cause=fact("no-inode-left", path="/mail"))) is None
    sure = _why(CLEAR, situation(cause=fact("no-inode-left", path="/mail", **SEEN)))
    assert sure == Hold(Reason.HOPELESS)
    for code in ("server-no-files", "server-part-silent", "stopped-processes", "of-the-future"):
        assert _why(CLEAR, situation(cause=fact(code))) is None


def test_a_crash_loop_that_no_restart_cures_is_not_waited_for(situation: Maker) -> None:
    """It is for ever coming up; what has not lasted, and what was paused, waits all the same."""
    looping = situation(cause=FULL, condition=Condition.STARTING)
    starting = CLEAR.with_target(starting_since=_ago(10))
    assert _why(starting, looping) == Hold(Reason.HOPELESS)
    early = _why(replace(starting, failing_since=_ago(99)), looping)
    assert early is not None
    assert early.reason is Reason.STARTING
    hasty = replace(POLICY, min_failure_s=0)
    once = _why(replace(starting, failing_since=_ago(STARTUP_S - 1)), looping, hasty)
    assert once is not None
    assert once.reason is Reason.STARTING, "words of a server that somebody restarts may pass"
    lasts = _why(replace(starting, failing_since=_ago(STARTUP_S)), looping, hasty)
    assert lasts == Hold(Reason.HOPELESS)
    until = Now(NOW.steady + 60, NOW.wall + 60)
    paused = _why(starting, replace(looping, paused_until=until))
    assert paused is not None
    assert paused.reason is Reason.PAUSED


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (Condition.STOPPED, Reason.OPERATOR),
        (Condition.PAUSED, Reason.OPERATOR),
        (Condition.UNREACHABLE, Reason.UNREACHABLE),
        (Condition.MISSING, Reason.MISSING),
    ],
)
def test_an_order_or_an_engine_that_is_gone_says_more_than_the_log(
    situation: Maker, condition: Condition, reason: Reason
) -> None:
    """Whoever stopped it may be mending it."""
    held = _why(CLEAR, situation(cause=FULL, condition=condition))
    assert held is not None
    assert held.reason is reason


def test_a_limit_holds_while_other_ports_answer(situation: Maker) -> None:
    """A restart would cut off who is served, and the flood would be back in seconds."""
    full = situation(Fault.DROPPED, cause=LISTENER, passing=("SMTP:25",))
    assert _why(CLEAR, full) == Hold(Reason.LIMIT, services=("SMTP:25",))
    assert _why(AGAIN, situation(Fault.SILENT, cause=LISTENER)) is None


def test_a_ban_that_the_server_tells_of_is_one_though_not_all_is_dropped(
    situation: Maker,
) -> None:
    """HTTP may be answered by another; who wants restarts for bans has them."""
    some = situation(*DROPPED[1:], Fault.SILENT, cause=US)
    assert _why(CLEAR, some) == Hold(Reason.BANNED, seen_as="172.17.0.1")
    assert _why(CLEAR, situation(cause=US)) is None
    assert _why(AGAIN, some, replace(POLICY, restart_when_all_dropped=True)) is None


def test_every_cause_has_a_kind_words_and_a_cure() -> None:
    """And only what is said to be seen and not cured holds a restart."""
    for code, about in KINDS.items():
        assert about.seen
        assert {code, f"cure-{code}"} <= set(TEMPLATES)
        plain = fact(code)
        assert is_incurable(plain) is (
            about.restart is Restart.NEVER
            and about.confidence is Confidence.SEEN
            and not about.passes
            and not is_ban(plain)
        )
    assert not is_incurable(NOTHING)
