"""What an incident does not restart the target for, and whom it calls instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.events import Action, Failed, Note, Passed, Restart, Restored, Unmeasured
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Fault, Now, TargetState
from mailwatch.core.state import Hold, Outcome, Reason, Stage

pytestmark = pytest.mark.usefixtures("said_both_ways")

if TYPE_CHECKING:
    from tests.core.conftest import SituationMaker, Watch, Watcher

WALL = 1_700_000_000.0
RUNNING = TargetState(Condition.RUNNING, started_at=WALL - 86_400)


@pytest.mark.parametrize("condition", [Condition.STOPPED, Condition.PAUSED, Condition.REMOVING])
def test_what_an_operator_stopped_is_left_alone_and_said_once(
    watch: Watcher, condition: Condition
) -> None:
    """One message, no restart, no reminder; healing resumes when it runs again."""
    w = watch()
    for _ in range(50):
        w.fail(condition=condition, after=3600)
    assert w.topics == [Topic.HELD]
    assert w.restarts == []
    w.fail(after=10)
    assert w.topics == [Topic.HELD, Topic.OPENED]
    assert len(w.restarts) == 1


@pytest.mark.parametrize("condition", [Condition.UNREACHABLE, Condition.DENIED])
def test_maintenance_that_stops_docker_too_calls_nobody(
    watch: Watcher, condition: Condition
) -> None:
    """What an operator stopped stays stopped on purpose while nobody can see it."""
    w = watch()
    w.fail(condition=Condition.STOPPED)
    for _ in range(100):
        w.fail(condition=condition, after=10)
    assert w.topics == [Topic.HELD]
    w.fail(after=10)
    assert w.topics == [Topic.HELD, Topic.OPENED]


BAN = fact("ban", seen_as="172.17.0.1")
LISTENS = fact("nothing-listens-for", services=("S1:1",))
MEMORY = fact("out-of-memory")


def test_reasons_are_noted_once_each_time_they_change(watch: Watcher) -> None:
    """The log is not filled with the same sentence every ten seconds."""
    w = watch()
    notes = []
    for condition in (*[Condition.UNREACHABLE] * 3, *[Condition.DENIED] * 3):
        notes += [a for a in w.fail(condition=condition, after=5) if isinstance(a, Note)]
    assert [note.hold.reason for note in notes] == [Reason.UNREACHABLE, Reason.DENIED]


def test_docker_that_comes_back_in_time_leads_to_a_quiet_restart(watch: Watcher) -> None:
    """OPENED says that Docker does not answer; when it does, the restart needs no message."""
    w = watch()
    w.fail(condition=Condition.UNREACHABLE)
    assert w.topics == [Topic.OPENED]
    assert w.told[0].next_restart is None
    actions = w.fail(after=60)
    assert actions == (Restart(w.incident.id, 1, RUNNING),)


def test_docker_that_stays_away_calls_a_person(watch: Watcher) -> None:
    """After as long as a restart would have been given to help."""
    w = watch()
    w.fail(condition=Condition.UNREACHABLE)
    w.fail(condition=Condition.UNREACHABLE, after=74)
    assert w.topics == [Topic.OPENED]
    w.fail(condition=Condition.UNREACHABLE, after=1)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_a_ban_that_begins_in_mid_round_is_a_ban(watch: Watcher) -> None:
    """The round sees half of it, and is no incident yet; the next one sees all of it."""
    w = watch()
    assert w.fail(Fault.DROPPED, Fault.DROPPED) == (Note(Hold(Reason.APART)),)
    assert w.is_in(Stage.CONFIRMING)
    w.fail(*[Fault.DROPPED] * 4, after=10)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED], [])
    assert w.incident.since.steady == 0


def test_a_ban_that_ends_in_mid_round_restarts_nothing(watch: Watcher) -> None:
    """What its last round still saw dropped is no reason; the recovery is told."""
    w = watch()
    w.fail(*[Fault.DROPPED] * 4)
    w.fail(Fault.DROPPED, after=10)
    w(Passed(), after=10)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED, Topic.RECOVERED], [])
    w.fail(Fault.DROPPED, after=100)
    assert w.restarts == [], "what was seen before the recovery does not count"


def test_who_alone_drops_us_is_restarted_by_the_second_round(watch: Watcher) -> None:
    """Whichever it is in each round: a limit may hit now this service and now that one."""
    w = watch()
    w.fail(Fault.DROPPED)
    w.fail(Fault.CERTIFICATE, Fault.DROPPED, after=10)
    assert (w.topics, w.restarts) == ([Topic.OPENED], [10])
    assert w.incident.since.steady == 0


def test_a_round_that_could_not_look_breaks_the_row(watch: Watcher) -> None:
    """Half a ban today and half a ban an hour ago are two bans."""
    w = watch()
    w.fail(Fault.DROPPED)
    w(Unmeasured(), after=10)
    w.fail(Fault.DROPPED, after=3600)
    assert w.restarts == []
    w.fail(Fault.DROPPED, after=10)
    assert len(w.restarts) == 1


def test_a_new_process_takes_no_old_round_for_the_one_before(watch: Watcher) -> None:
    """Unless an incident is open, in which nothing is forgotten."""
    w = watch()
    w.fail(Fault.DROPPED)
    w(Restored(RUNNING), after=100)
    w.fail(Fault.DROPPED)
    assert w.restarts == []


def test_the_cause_of_a_ban_ends_with_the_ban(watch: Watcher, situation: SituationMaker) -> None:
    """What comes after it has a cause of its own; until then the one that was found stays."""
    w = watch()
    w(Failed(situation(*[Fault.DROPPED] * 4), BAN))
    w.fail(*[Fault.DROPPED] * 4, after=10)
    assert w.incident.cause == BAN
    for _ in range(2):
        w(Failed(situation(Fault.REFUSED), plain=LISTENS), after=10)
    assert w.restarts == [30]
    assert w.incident.cause == LISTENS
    assert w.topics == [Topic.ESCALATED]


def test_the_cause_of_a_ban_ends_with_it_whatever_holds_us_then(
    watch: Watcher, situation: SituationMaker
) -> None:
    """A server that dies behind a ban may be young enough to count as coming up for a round."""
    w = watch()
    w(Failed(situation(*[Fault.DROPPED] * 4), BAN))
    w(Failed(situation(*[Fault.DROPPED] * 4, condition=Condition.STARTING)), after=10)
    assert w.incident.hold is not None
    assert w.incident.hold.reason is Reason.STARTING
    w(Failed(situation(Fault.REFUSED), plain=LISTENS), after=10)
    assert w.incident.cause == LISTENS


def test_a_cause_that_was_found_outweighs_what_is_plain(
    watch: Watcher, situation: SituationMaker
) -> None:
    """The evidence knows why nothing listens; what is plain stands where nothing was found."""
    w = watch(backoff_s=100)
    w(Failed(situation(Fault.REFUSED), MEMORY, LISTENS))
    assert w.incident.cause == MEMORY
    w.go_through_restart()
    w(Failed(situation(Fault.REFUSED), plain=LISTENS), after=60)
    assert w.incident.cause == MEMORY


@pytest.mark.parametrize(
    ("faults", "condition", "reason"),
    [
        ([Fault.DROPPED] * 4, Condition.RUNNING, Reason.BANNED),
        ([Fault.CERTIFICATE], Condition.RUNNING, Reason.INCURABLE),
        ([Fault.SILENT], Condition.MISSING, Reason.MISSING),
        ([Fault.SILENT], Condition.DENIED, Reason.DENIED),
    ],
)
def test_what_no_restart_cures_is_a_persons_at_once(
    watch: Watcher, faults: list[Fault], condition: Condition, reason: Reason
) -> None:
    """One call, nothing else, and no restart."""
    w = watch()
    w.state = w.state.with_target(seen=True)
    w.fail(*faults, condition=condition)
    w.fail(*faults, condition=condition, after=60)
    assert w.topics == [Topic.ESCALATED]
    assert w.restarts == []
    assert w.told[0].next_restart is None
    assert w.incident.hold is not None
    assert w.incident.hold.reason is reason


@pytest.mark.parametrize(
    "condition",
    [Condition.MISSING, Condition.STOPPED, Condition.ENDED, Condition.CRASHED, Condition.REMOVED],
)
@pytest.mark.parametrize("seen", [False, True])
def test_a_target_that_comes_a_while_after_a_boot_is_no_outage(
    watch: Watcher, condition: Condition, seen: bool
) -> None:
    """What starts it may come after us; if it has not come by then, that is told."""
    w = watch(boot_grace_s=120)
    w.state = w.state.with_target(seen=seen)
    w.fail(condition=condition, after=10)
    w.fail(condition=condition, after=15)
    assert w.topics == []
    assert w.restarts == []
    came = watch(boot_grace_s=120)
    came.fail(condition=condition, after=10)
    came(Passed(), after=15)
    assert came.told == []
    w.fail(condition=condition, after=95)
    assert len(w.told) == 1


def test_the_grace_of_a_boot_begins_with_us_where_the_clock_is_not_the_boots(
    watch: Watcher,
) -> None:
    """In a container of systemd-nspawn the steady clock is that of a host which ran for months."""
    w = watch(boot_grace_s=120)
    w.fail(condition=Condition.STOPPED, after=9_000_000)
    assert w.topics == [Topic.HELD]
    w = watch(boot_grace_s=120)
    w.now = Now(9_000_000.0, WALL + 9_000_000)
    w.state = replace(w.state, booted=w.now)
    for after in (5, 20, 94):
        w.fail(condition=Condition.STOPPED, after=after)
    assert w.told == []
    w.fail(condition=Condition.STOPPED, after=1)
    assert w.topics == [Topic.HELD]


@pytest.mark.parametrize("condition", [Condition.ENDED, Condition.MISSING])
def test_where_nothing_shows_what_was_wanted_a_person_is_reminded(
    watch: Watcher, condition: Condition
) -> None:
    """It is left alone, as nobody is called for it, but it is not forgotten either."""
    w = watch(remind_every_s=100)
    for after in (0, 60, 40, 99, 1):
        w.fail(condition=condition, after=after)
    assert w.topics == [Topic.HELD, Topic.REMINDER, Topic.REMINDER]
    assert w.restarts == []
    assert w.incident.escalated is None
    w.fail(condition=Condition.STOPPED, after=500)
    assert len(w.told) == 3, "a stop that is known needs no reminder"
    w(Passed(), after=1)
    assert w.topics[-1] is Topic.RECOVERED


@pytest.mark.parametrize("condition", [Condition.ENDED, Condition.MISSING])
def test_what_an_operator_did_is_not_forgotten_with_the_engines_events(
    watch: Watcher, condition: Condition
) -> None:
    """An engine that was restarted knows of no order any more."""
    w = watch(remind_every_s=100)
    w.fail(condition=Condition.STOPPED)
    w.fail(condition=condition, after=200)
    w.fail(condition=condition, after=200)
    assert w.topics == [Topic.HELD]


def test_a_service_that_never_passed_is_a_persons_until_it_hangs(watch: Watcher) -> None:
    """One call and no restart for its TLS; a restart, and no second call, once it is silent."""
    new = frozenset({"S1:1"})
    w = watch()
    w.fail(Fault.TLS, unproven=new)
    w.fail(Fault.TLS, unproven=new, after=60)
    assert (w.topics, w.restarts) == ([Topic.ESCALATED], [])
    assert w.incident.hold == Hold(Reason.UNPROVEN, services=("S1:1",))
    w.fail(Fault.SILENT, unproven=new, after=60)
    w.fail(Fault.SILENT, unproven=new, after=10)
    assert (w.topics, len(w.restarts)) == ([Topic.ESCALATED], 1)


def test_a_restart_for_another_service_does_not_prove_it(watch: Watcher) -> None:
    """What still fails after that restart, and never passed, is not restarted for again."""
    w = watch(cooldown_s=0, backoff_s=0)
    w.fail(Fault.SILENT, Fault.TLS, unproven=frozenset({"S2:2"}))
    w.go_through_restart()
    w.fail(Fault.TLS, after=60, unproven=frozenset({"S1:1"}))
    w.fail(Fault.TLS, after=600, unproven=frozenset({"S1:1"}))
    assert len(w.restarts) == 1
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]


def test_while_an_incident_is_open_one_look_is_no_proof(watch: Watcher) -> None:
    """Each look is a single attempt then: a server that is reloaded just then is well again."""
    w = watch()
    w.fail(Fault.QUEUE)
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    w.fail(Fault.QUEUE, after=10)
    w.fail(Fault.QUEUE, Fault.RESET, after=10)
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    assert w.restarts == []
    w.fail(Fault.QUEUE, Fault.REFUSED, after=10)
    assert w.restarts == [50]


def test_while_an_incident_is_open_a_crash_is_proof_enough(watch: Watcher) -> None:
    """Docker itself says that the container has ended: that needs no second look."""
    w = watch()
    w.fail(Fault.QUEUE)
    w.fail(Fault.QUEUE, Fault.REFUSED, condition=Condition.CRASHED, after=10)
    assert w.restarts == [10]


def test_a_ban_that_shows_after_a_restart_is_told_as_one(watch: Watcher) -> None:
    """Who is called because it did not help must learn of the ban, not at the next reminder."""
    w = watch()
    w.fail()
    w.go_through_restart()
    w.fail(*[Fault.DROPPED] * 4, after=w.policy.verify_for_s)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.told[-1].incident.hold == Hold(Reason.BANNED)
    assert w.incident.attempts[0].outcome is Outcome.FAILED


def test_a_restart_that_cured_all_that_it_can_has_helped(watch: Watcher) -> None:
    """A queue that is long before and after is no reason to call the restart a failure."""
    w = watch()
    w.fail(Fault.SILENT, Fault.QUEUE)
    w.go_through_restart()
    w.fail(Fault.QUEUE, after=w.policy.verify_for_s)
    assert w.incident.attempts[0].outcome is Outcome.RECOVERED
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.told[-1].incident.hold == Hold(Reason.INCURABLE)
    w.fail(Fault.QUEUE, Fault.SILENT, after=10)
    w.fail(Fault.QUEUE, Fault.SILENT, after=10)
    assert w.incident.hold is not None
    assert w.incident.hold.reason is Reason.BACKOFF
    w(Passed(), after=10)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED, Topic.RECOVERED]


@pytest.mark.parametrize("remind_every_s", [0, 4 * 3600])
def test_an_outage_inside_an_old_incident_is_told_when_a_restart_does_not_help(
    watch: Watcher, remind_every_s: float
) -> None:
    """Who was called for a long queue days ago does not know that mail is down since."""
    w = watch(remind_every_s=remind_every_s)
    w.fail(Fault.QUEUE)
    for _ in range(2):
        w.fail(Fault.QUEUE, Fault.SILENT, after=600)
    w.go_through_restart()
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.verify_for_s)
    assert w.topics == [Topic.ESCALATED, Topic.REMINDER]
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.backoff_s)
    w.go_through_restart()
    w.fail(Fault.QUEUE, Fault.SILENT, after=w.policy.verify_for_s)
    assert w.topics == [Topic.ESCALATED, Topic.REMINDER]


@pytest.mark.parametrize("remind_every_s", [0, 4 * 3600])
@pytest.mark.parametrize("news", ["a ban", "a service"])
def test_what_is_new_in_an_old_incident_is_told_once(
    watch: Watcher, news: str, remind_every_s: float
) -> None:
    """Not at the reminder hours later, nor each time that it comes and goes."""
    w = watch(remind_every_s=remind_every_s, max_restarts=1)
    w.escalate()
    new = [Fault.DROPPED] * (4 if news == "a ban" else 2)
    for _ in range(5):
        for _ in range(6):
            w.fail(*new, after=20)
        for _ in range(6):
            w.fail(Fault.SILENT, after=20)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED, Topic.REMINDER]
    assert len(w.told[-1].incident.failures) == len(new)


def test_what_fails_along_with_it_a_little_later_is_told_as_one(watch: Watcher) -> None:
    """Services that go down one by one are one message, and none where all is told."""
    w = watch(max_restarts=1)
    w.escalate()
    for count in (1, 2, 3, 4):
        w.fail(*[Fault.SILENT] * count, after=10)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    for _ in range(20):
        w.fail(*[Fault.SILENT] * 4, after=10)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED, Topic.REMINDER]


FULL = fact("server-store-full", server="Stalwart")
LISTENER = fact("server-listener-full", server="Stalwart", listener="imaptls", limit="8192")


def _fails(
    w: Watch, situation: SituationMaker, cause: Fact, after: float = 10, **of: Any
) -> tuple[Action, ...]:
    return w(Failed(situation(**of), cause), after)


def test_a_cause_that_no_restart_cures_calls_a_person_at_once(
    watch: Watcher, situation: SituationMaker
) -> None:
    """Once, with no restart ever, until all is well."""
    w = watch()
    for _ in range(20):
        _fails(w, situation, FULL, passing=("HTTPS:443",))
    assert (w.topics, w.restarts) == ([Topic.ESCALATED], [])
    assert w.incident.hold == Hold(Reason.HOPELESS, services=("HTTPS:443",), of=w.state.target.key)
    w(Passed(), 10)
    assert w.topics == [Topic.ESCALATED, Topic.RECOVERED]


def test_a_cause_of_an_earlier_round_goes_on_holding(
    watch: Watcher, situation: SituationMaker
) -> None:
    """Not every round looks for one."""
    w = watch()
    _fails(w, situation, FULL)
    _fails(w, situation, NOTHING)
    assert w.restarts == []


def test_a_cause_that_shows_after_a_restart_ends_the_restarts(
    watch: Watcher, situation: SituationMaker
) -> None:
    """The first one was in vain; the person who is called learns why there will be no other."""
    w = watch()
    w.fail()
    w.go_through_restart()
    _fails(w, situation, FULL, after=w.policy.verify_for_s)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.told[-1].incident.hold is not None
    assert w.told[-1].incident.hold.reason is Reason.HOPELESS
    for _ in range(10):
        _fails(w, situation, FULL, after=3600)
    assert len(w.restarts) == 1


def test_a_limit_waits_some_minutes_before_it_calls(
    watch: Watcher, situation: SituationMaker
) -> None:
    """It may pass by itself; once nothing answers any more, a restart is tried."""
    w = watch()
    _fails(w, situation, LISTENER, passing=("SMTP:25",))
    assert w.topics == [Topic.OPENED]
    patience_s = w.policy.settle_s + w.policy.verify_for_s
    _fails(w, situation, LISTENER, passing=("SMTP:25",), after=patience_s)
    assert w.topics == [Topic.OPENED, Topic.ESCALATED]
    assert w.restarts == []
    _fails(w, situation, LISTENER)
    assert len(w.restarts) == 1
