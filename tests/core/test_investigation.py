"""A failed round as one value: what is awaited, for how long, and what it is in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.events import Failed, Passed, Restored, Unmeasured
from mailwatch.core.facts import words
from mailwatch.core.investigation import LOOK_GRACE_S, RESTORE_GRACE_S, Investigation, Step
from mailwatch.core.model import Condition, Fault, Mask, Now, Reading, TargetState, Verdict
from mailwatch.core.state import Failure, Incident, Stage, State

PORTS = (25, 993)
UNSEEN = TargetState(Condition.UNREACHABLE, words("the engine has not answered"))
WELL = State()

Change: TypeAlias = Callable[[Investigation], Investigation]


def at(steady: float) -> Now:
    """Return a moment by its steady clock."""
    return Now(steady, 1_700_000_000.0 + steady)


def reading(port: int, fault: Fault | None) -> Reading:
    """Return what was read from `port`."""
    verdict = Verdict.PASS if fault is None else Verdict.FAIL
    return Reading(f"SMTP:{port}", verdict, fault)


FAILED = tuple(reading(port, Fault.DROPPED) for port in PORTS)
PASSED = tuple(reading(port, None) for port in PORTS)
UNMEASURED = tuple(Reading(f"SMTP:{port}", Verdict.UNMEASURED) for port in PORTS)

WATCHED = frozenset(reading.service for reading in PASSED)

moments = st.floats(0, 1000).map(at)
targets = st.builds(
    TargetState,
    st.sampled_from(Condition),
    listens=st.dictionaries(st.sampled_from(PORTS), st.booleans()),
    unheard=st.frozensets(st.sampled_from(PORTS)),
    seen_as=st.sampled_from(["", "172.17.0.1"]),
)
limits = st.none() | st.floats(0, 1000)
answers: st.SearchStrategy[Change] = st.one_of(
    targets.map(lambda target: lambda one: one.looked(target)),
    st.frozensets(st.sampled_from(PORTS)).map(lambda ports: lambda one: one.gathered(ports)),
    moments.map(lambda now: lambda one: one.failed(now)),
)
"""What may still come in, in any order and any number of times."""
lives = st.lists(answers, max_size=6)


def lived(one: Investigation, changes: list[Change]) -> Investigation:
    """Return what the changes make of it."""
    for change in changes:
        one = change(one)
    return one


def asking(before: list[Change], limit: float | None) -> Investigation:
    """Return a round under way, with evidence awaited until `limit`, in which things happened."""
    return lived(Investigation().begun().examining(limit), before)


@given(lives, limits, moments, lives)
def test_it_is_decidable_at_the_latest_at_its_bound(
    before: list[Change], limit: float | None, end: Now, after: list[Change]
) -> None:
    """Whatever comes in or does not: the look's grace, or the end of the wait for evidence."""
    found = lived(asking(before, limit).ended(FAILED, end), after)
    bound = max(end.steady + LOOK_GRACE_S, limit or 0.0)
    assert found.decidable_at is not None
    assert found.decidable_at <= bound
    assert found.may_be_decided(at(bound))


@given(lives, limits, moments, lives, answers)
def test_an_answer_never_puts_the_decision_off(
    before: list[Change], limit: float | None, end: Now, after: list[Change], one_more: Change
) -> None:
    """What was decidable stays so: no stream of answers keeps a round open."""
    found = lived(asking(before, limit).ended(FAILED, end), after)
    earlier, later = found.decidable_at, one_more(found).decidable_at
    assert earlier is not None
    assert later is not None
    assert later <= earlier


@given(lives, limits)
def test_nothing_is_decided_while_the_services_are_asked(
    before: list[Change], limit: float | None
) -> None:
    """A look and the evidence may be there long before the last attempt has ended."""
    assert asking(before, limit).decidable_at is None
    assert not asking(before, limit).may_be_decided(at(1e9))
    assert Investigation().decidable_at is None


@given(lives, limits, moments)
def test_nothing_seen_before_the_end_of_the_round_is_fresh(
    before: list[Change], limit: float | None, end: Now
) -> None:
    """It says how the target was, and nothing on what listens now."""
    found = asking(before, limit).ended(FAILED, end)
    assert not found.fresh
    event = found.event(UNSEEN)
    assert isinstance(event, Failed)
    target = event.situation.target
    assert target.listens == {}
    assert target.unheard == frozenset()
    assert target == replace(found.seen or UNSEEN, listens={}, unheard=frozenset())
    assert all(failure.mask is None for failure in event.situation.failures)


@given(lives, moments, targets)
def test_a_look_after_the_end_is_fresh_and_awaited_no_more(
    before: list[Change], end: Now, target: TargetState
) -> None:
    """Without evidence to wait for, the round is decided by it at once."""
    found = asking(before, None).ended(FAILED, end).looked(target)
    assert found.fresh
    assert found.may_be_decided(end)
    event = found.event(UNSEEN)
    assert isinstance(event, Failed)
    assert event.situation.target == target


@given(lives, moments, targets, st.floats(0, 1000))
def test_the_evidence_delays_by_its_own_limit_at_most(
    before: list[Change], end: Now, target: TargetState, limit: float
) -> None:
    """It is waited for beside the look, not after it; once it is there, nothing is."""
    looked = asking([], limit).ended(FAILED, end).looked(target)
    assert looked.decidable_at == limit
    assert looked.gathered(frozenset()).may_be_decided(end)
    early = lived(asking(before, limit).gathered(frozenset()).ended(FAILED, end), [])
    assert early.decidable_at == end.steady + LOOK_GRACE_S


@given(lives, limits, moments, lives, lives)
def test_a_late_answer_changes_nothing_once_decided(
    before: list[Change], limit: float | None, end: Now, after: list[Change], late: list[Change]
) -> None:
    """Neither this round's decision nor what the next round knows."""
    over = lived(asking(before, limit).ended(FAILED, end), after).decided(WELL)
    assert over.step is Step.OVER
    assert lived(over, late) == over
    assert over.examining(5.0) == over
    assert over.ended(FAILED, end) == over
    assert lived(over, late).begun() == Investigation(Step.ASKING)


@given(moments, lives)
def test_a_restoring_process_waits_for_its_grace_at_most(now: Now, answers: list[Change]) -> None:
    """Less where the look is answered; what it then is, is what the target does."""
    waiting = Investigation().restoring(State(), now)
    bound = now.steady + RESTORE_GRACE_S
    assert not waiting.may_be_decided(now)
    found = lived(waiting, answers)
    assert found.decidable_at is not None
    assert found.decidable_at <= bound
    assert found.event(UNSEEN) == Restored(found.seen or UNSEEN)
    assert waiting.looked(UNSEEN).may_be_decided(now)


@given(moments, lives, targets)
def test_a_reload_asks_anew_and_lets_a_new_process_wait_no_longer(
    now: Now, answers: list[Change], target: TargetState
) -> None:
    """What it still waits for is the target that is named now, by the moment that it had."""
    again = lived(Investigation().restoring(State(), now), answers).reconfigured()
    assert again.seen is None
    assert again.decidable_at == now.steady + RESTORE_GRACE_S
    dropped = lived(asking(answers, 5.0).ended(FAILED, now), answers).reconfigured()
    assert dropped == Investigation()
    assert dropped.looked(target) == dropped


@given(lives, limits, moments, lives)
def test_a_listener_that_anybody_saw_may_have_dropped_us(
    before: list[Change], limit: float | None, end: Now, after: list[Change]
) -> None:
    """By a look before or after the end or by the evidence: what was heard has one source."""
    found = lived(asking(before, limit).ended(FAILED, end), after)
    event = found.event(UNSEEN)
    assert isinstance(event, Failed)
    masked = {f.service for f in event.situation.failures if f.mask is Mask.PROXY}
    assert masked.isdisjoint(f"SMTP:{port}" for port in found.heard)
    alive = frozenset(port for port, there in (found.seen or UNSEEN).listens.items() if there)
    assert alive <= found.heard


def test_what_listened_in_one_round_is_not_remembered_in_the_next() -> None:
    """A server that dropped us and is gone since is found out by the rounds after."""
    gone = TargetState(Condition.RUNNING, listens=dict.fromkeys(PORTS, False))
    there = TargetState(Condition.RUNNING, listens=dict.fromkeys(PORTS, True))
    first = asking([], None).looked(there).ended(FAILED, at(5)).looked(gone)
    event = first.event(UNSEEN)
    assert isinstance(event, Failed)
    assert {failure.fault for failure in event.situation.failures} == {Fault.DROPPED}
    second = first.decided(WELL).begun().ended(FAILED, at(50)).looked(gone)
    event = second.event(UNSEEN)
    assert isinstance(event, Failed)
    assert {failure.fault for failure in event.situation.failures} == {Fault.REFUSED}


@given(moments, moments, moments)
def test_an_outage_began_with_the_first_attempt_that_failed(one: Now, two: Now, end: Now) -> None:
    """However many of the round's attempts fail after it."""
    event = asking([], None).failed(one).failed(two).ended(FAILED, end).event(UNSEEN)
    assert isinstance(event, Failed)
    assert event.situation.noticed == one


@given(lives.filter(bool), moments)
def test_a_round_in_which_nothing_failed_waits_for_nothing(before: list[Change], end: Now) -> None:
    """Also where an attempt of it did, and a look or the evidence is still under way."""
    found = asking(before, 1000.0).ended(PASSED, end)
    assert found.may_be_decided(end)
    assert found.event(UNSEEN) == Passed(WATCHED)
    assert asking(before, 1000.0).ended(UNMEASURED, end).event(UNSEEN) == Unmeasured()


def test_what_failed_has_to_pass_before_all_is_well() -> None:
    """Lost from sight it is no recovery, in however many rounds, nor after a new start."""
    failure = Failure("SMTP:25", Fault.SILENT, words("no greeting came"))
    incident = Incident("20231114T221320Z", at(0), at(0), (failure,), (failure,))
    down = State(stage=Stage.DOWN, incident=incident)
    lost = (UNMEASURED[0], PASSED[1])
    failed = Investigation().begun().ended((FAILED[0], PASSED[1]), at(1)).decided(down)
    restored = Investigation().restoring(down, at(1)).looked(UNSEEN).decided(down)
    for one in (failed, restored):
        assert one.failing == {"SMTP:25"}
        found = one.begun().ended(lost, at(2))
        assert found.event(UNSEEN) == Unmeasured()
        assert found.decided(down).failing == {"SMTP:25"}
        assert found.decided(down).begun().ended(PASSED, at(3)).event(UNSEEN) == Passed(WATCHED)
        assert found.decided(WELL).begun().ended(lost, at(3)).event(UNSEEN) == Passed(WATCHED)
