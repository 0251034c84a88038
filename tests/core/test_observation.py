from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.events import Failed, Restart
from mailwatch.core.evidence import Evidence, Finding, Json
from mailwatch.core.facts import words
from mailwatch.core.incident import step
from mailwatch.core.model import Condition, Fault, Mask, Now, Reading, TargetState, Verdict
from mailwatch.core.observation import bad_news, heard_in
from mailwatch.core.policy import CURABLE_BY_DEFAULT, Policy
from mailwatch.core.say import say
from mailwatch.core.state import Hold, Reason, Stage, State

NOW = Now(100_000.0, 1_700_000_000.0)
SERVICES = {"SMTP:25": 25, "SMTPS:465": 465, "IMAPS:993": 993, "HTTPS:443": 443}
PORTS = frozenset(SERVICES.values())
NOTHING = dict.fromkeys(PORTS, False)

DROPPED, REFUSED = Fault.DROPPED, Fault.REFUSED


def read(service: str, fault: Fault | None) -> Reading:
    """Return the reading of a service that failed so, or passed."""
    if fault is None:
        return Reading(service, Verdict.PASS)
    return Reading(service, Verdict.FAIL, fault, words("closed at once: often a ban"))


def news(
    *faults: Fault | None,
    listens: dict[int, bool] | None = None,
    heard: frozenset[int] = frozenset(),
    unheard: frozenset[int] = frozenset(),
) -> Failed:
    """Return the event of a round of the four services."""
    readings = [read(service, fault) for service, fault in zip(SERVICES, faults, strict=True)]
    target = TargetState(
        Condition.RUNNING, started_at=NOW.wall - 86_400, listens=listens or {}, unheard=unheard
    )
    return bad_news(readings, target, None, heard=heard)


def outcome(
    event: Failed, policy: Policy | None = None, before: State | None = None
) -> Hold | None:
    """Return why the event restarts nothing, None where it restarts."""
    state, actions = step(before or State(), event, NOW, policy or Policy())
    if any(isinstance(action, Restart) for action in actions):
        return None
    assert state.incident is not None
    return state.incident.hold


def outcome_of_two(event: Failed) -> Hold | None:
    """Return the outcome of a round, after one that was the same."""
    state, actions = step(State(), event, NOW, Policy())
    assert not any(isinstance(action, Restart) for action in actions)
    return outcome(event, before=state)


def test_a_container_in_which_nothing_listens_is_restarted() -> None:
    """What Docker's proxy drops in its place is refused, and nothing speaks of a ban."""
    event = news(*[DROPPED] * 4, listens=NOTHING)
    assert outcome(event) is None
    for failure in event.situation.failures:
        assert (failure.fault, failure.mask) == (REFUSED, Mask.PROXY)
        assert say(failure.detail).startswith("nothing listens on it inside the container")
    assert say(event.plain) == (
        "nothing listens inside the container for SMTP:25, SMTPS:465, IMAPS:993 and HTTPS:443"
    )


@pytest.mark.parametrize(
    "listens",
    [
        {},
        dict.fromkeys(PORTS, True),
        {**NOTHING, 443: True},
        {port: False for port in PORTS if port != 443},
        {port + 10_000: False for port in PORTS},
    ],
    ids=["not known", "all listen", "one listens", "one is not known", "other ports"],
)
def test_where_one_may_listen_and_drops_us_it_may_be_a_ban(listens: dict[int, bool]) -> None:
    """Nothing is restarted and each failure stays as it was read; the others may be unserved."""
    event = news(*[DROPPED] * 4, listens=listens)
    held = outcome(event)
    assert held is not None
    assert held.reason is Reason.BANNED
    assert {failure.fault for failure in event.situation.failures} == {DROPPED}
    assert not event.plain


def test_a_proxy_in_front_says_nothing_against_a_ban() -> None:
    """What passes at another server's port is no sign that the banned one still talks to us."""
    faults = [DROPPED, DROPPED, DROPPED, None]
    readings = [read(service, fault) for service, fault in zip(SERVICES, faults, strict=True)]
    target = TargetState(Condition.RUNNING, started_at=NOW.wall - 86_400)
    assert outcome_of_two(bad_news(readings, target, None)) is None
    held = outcome(bad_news(readings, replace(target, elsewhere=frozenset({443})), None))
    assert held is not None
    assert held.reason is Reason.BANNED
    elsewhere = frozenset({25})  # what drops us there is counted, whoever it is
    assert outcome_of_two(bad_news(readings, replace(target, elsewhere=elsewhere), None)) is None


def test_a_listener_that_was_seen_during_the_round_may_have_banned_us() -> None:
    """Even if it is gone by the end: somebody may be restarting the server that bans us."""
    held = outcome(news(*[DROPPED] * 4, listens=NOTHING, heard=frozenset({465})))
    assert held is not None
    assert held.reason is Reason.BANNED
    assert outcome(news(*[DROPPED] * 4, listens=NOTHING, heard=frozenset({25_000}))) is None


def test_nothing_that_listens_counts_as_refused() -> None:
    """For the list `on`: who took "refused" off it wants no restart, whatever "dropped" says."""
    dead = news(*[DROPPED] * 4, listens=NOTHING)
    without = CURABLE_BY_DEFAULT - {REFUSED}
    held = Hold(Reason.INCURABLE)
    assert outcome(dead, Policy(restart_on=without)) == held
    assert outcome(dead, Policy(restart_on=without, restart_when_all_dropped=True)) == held
    assert outcome(dead, Policy(restart_on=CURABLE_BY_DEFAULT - {DROPPED})) is None


def test_one_dead_service_among_others_that_are_well_is_refused_too() -> None:
    """It is told as what it is, and judged by "refused" and not by "dropped"."""
    event = news(None, None, DROPPED, None, listens={**dict.fromkeys(PORTS, True), 993: False})
    (failure,) = event.situation.failures
    assert (failure.service, failure.fault) == ("IMAPS:993", REFUSED)
    assert say(event.plain) == "nothing listens inside the container for IMAPS:993"
    assert outcome(event, Policy(restart_on=frozenset({REFUSED}))) is None
    assert outcome(event, Policy(restart_on=frozenset({DROPPED}))) == Hold(Reason.INCURABLE)


def test_other_faults_stay_what_they_are() -> None:
    """A silent service beside three that are gone is still silent."""
    event = news(DROPPED, Fault.SILENT, DROPPED, DROPPED, listens={**NOTHING, 465: True})
    assert [failure.fault for failure in event.situation.failures] == [
        REFUSED, Fault.SILENT, REFUSED, REFUSED,
    ]  # fmt: skip


def test_the_cause_of_many_names_the_first_few() -> None:
    """A message has no room for all."""
    readings = [read(f"S{port}:{port}", DROPPED) for port in range(1, 8)]
    target = TargetState(Condition.RUNNING, listens=dict.fromkeys(range(1, 8), False))
    event = bad_news(readings, target, None)
    assert say(event.plain) == (
        "nothing listens inside the container for S1:1, S2:2, S3:3 and 4 more"
    )


@given(
    faults=st.lists(st.sampled_from([None, *Fault]), min_size=4, max_size=4),
    dropped=st.booleans(),
    listens=st.dictionaries(st.sampled_from(sorted(PORTS)), st.booleans()),
    heard=st.frozensets(st.sampled_from(sorted(PORTS))),
    restart_on=st.frozensets(st.sampled_from(Fault)),
)
def test_never_restarted_for_all_dropped_unless_nothing_listens_for_certain(
    faults: list[Fault | None],
    dropped: bool,
    listens: dict[int, bool],
    heard: frozenset[int],
    restart_on: frozenset[Fault],
) -> None:
    """Whatever else is said; and `on` then decides by "refused"."""
    read = [DROPPED] * 4 if dropped else faults
    if set(read) == {None}:
        return
    event = news(*read, listens=listens, heard=heard)
    seen = State(Stage.CONFIRMING, dropped_apart=True)  # nothing waits for a second round
    held = outcome(event, Policy(restart_on=restart_on), seen)
    if set(read) != {DROPPED}:
        return
    if listens == NOTHING and not heard:
        assert held == (None if REFUSED in restart_on else Hold(Reason.INCURABLE))
    else:
        assert held is not None
        assert held.reason is Reason.BANNED


def test_a_round_reads_the_same_where_nothing_was_dropped() -> None:
    """That nothing listens is no news of a service that was refused."""
    event = news(*[REFUSED] * 4, listens=NOTHING)
    assert {say(failure.detail) for failure in event.situation.failures} == {
        "closed at once: often a ban"
    }
    assert not event.plain


def test_what_the_evidence_heard() -> None:
    """The ports of this host behind which it found a listener, and no nonsense."""
    table: list[dict[str, Json]] = [
        {"port": 10_025, "published_as": 25, "listens": True},
        {"port": 993, "published_as": 993, "listens": False},
        {"published_as": "443", "listens": True},
        {"listens": True},
    ]
    evidence: Evidence = {"connections": Finding({"watched": table})}
    assert heard_in(evidence) == {25}
    assert heard_in({}) == frozenset()


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.REFUSED])
def test_only_a_port_that_passes_now_tells_a_wrong_setting_from_a_hang(fault: Fault) -> None:
    """A service that never passed restarts for it as long as all that was asked fails."""
    new = read("SMTP:25", fault)
    target = TargetState(Condition.RUNNING, started_at=NOW.wall - 86_400)

    def held(*others: Reading) -> Hold | None:
        return outcome(bad_news([new, *others], target, None, unproven=frozenset({"SMTP:25"})))

    well = read("IMAPS:993", None)
    assert held(well) == Hold(Reason.UNPROVEN, services=("SMTP:25",))
    assert held(replace(well, remembered=True)) is None
    assert held(read("Queue", None), Reading("IMAPS:993", Verdict.UNMEASURED)) is None
    assert held(read("IMAPS:993", Fault.TIMEOUT)) is None


def test_what_is_remembered_speaks_against_no_ban() -> None:
    """A canary that passed ten minutes ago is no service that answers now."""
    readings = [read(service, DROPPED) for service in SERVICES]
    canary = Reading("Canary:587", Verdict.PASS, remembered=True)
    target = TargetState(Condition.RUNNING, started_at=NOW.wall - 86_400)
    held = outcome(bad_news([*readings, canary], target, None))
    assert held is not None
    assert held.reason is Reason.BANNED
    fresh = bad_news([*readings, replace(canary, remembered=False)], target, None)
    assert outcome_of_two(fresh) is None


def test_a_packet_filter_is_a_ban_and_no_hang() -> None:
    """What waits for an answer that a firewall swallows is not restarted for."""
    event = news(*[Fault.SILENT] * 4, unheard=frozenset(PORTS))
    held = outcome(event)
    assert held is not None
    assert held.reason is Reason.INCURABLE
    for failure in event.situation.failures:
        assert (failure.fault, failure.mask) == (Fault.REJECTED, Mask.FILTER)
        assert say(failure.detail).startswith("a packet filter lets nothing from this host through")
    assert say(event.plain).startswith("a packet filter keeps this host from SMTP:25")


def test_a_hang_beside_a_packet_filter_is_restarted_for() -> None:
    """Only what the filter hides is taken out of it."""
    event = news(*[Fault.SILENT] * 4, unheard=frozenset(PORTS) - {25})
    assert outcome(event) is None
    assert event.situation.failures[0].fault is Fault.SILENT


def test_a_server_that_came_back_in_mid_round_is_looked_at_again() -> None:
    """Refused thrice, and by now it listens: a second round tells, for Docker's proxy may be gone.

    So it is where the server was restarted inside its container, or Docker was, which keeps
    containers running where its administrator said so (live-restore).
    """
    faults = [REFUSED, None, None, None]
    event = news(*faults, listens=dict.fromkeys(PORTS, True))
    state, actions = step(State(), event, NOW, Policy())
    assert (state.stage, state.incident) == (Stage.CONFIRMING, None)
    assert not any(isinstance(action, Restart) for action in actions)
    assert outcome(event, before=state) is None
    assert outcome(news(*faults, listens={25: False})) is None
    assert outcome(news(*faults)) is None
    both = news(REFUSED, Fault.SILENT, None, None, listens=dict.fromkeys(PORTS, True))
    assert outcome(both) is None
