"""Whether a target that is stopped was left so by a restart of ours, or by an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.events import Failed, Restart, RestartEnded
from mailwatch.core.facts import fact, words
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition
from mailwatch.core.state import Left

pytestmark = pytest.mark.usefixtures("said_both_ways")

if TYPE_CHECKING:
    from tests.core.conftest import Watch, Watcher

WALL = 1_700_000_000.0
ENDED = WALL + 30
US = "a" * 64


def _fails(watch: Watcher, left: Left | None, intervened: bool = False) -> Watch:
    """Let a first restart fail 60 s after it was decided, having left `left`."""
    w = watch(backoff_s=0, restart_limit_s=90)
    w.fail(identity=US)
    w(RestartEnded(words("It failed."), intervened, left), after=60)
    return w


def _stopped(w: Watch, after: float = 0, **of_target: Any) -> bool:
    """Whether a target that is stopped is restarted, when the next round has failed."""
    known = {"identity": US, "finished_at": ENDED, **of_target}
    return any(
        isinstance(one, Restart)
        for one in w.fail(condition=Condition.STOPPED, after=after, **known)
    )


def test_the_end_that_a_restart_left_is_its_doing(watch: Watcher) -> None:
    """It stays so afterwards: nobody wanted it stopped, however long it stands."""
    w = _fails(watch, Left(US, ENDED))
    assert _stopped(w, after=10_000)
    assert w.incident.target == fact("target-left-stopped", ended_at=ENDED)


@pytest.mark.parametrize(
    "now", [{"finished_at": ENDED + 20}, {"started_at": WALL + 40}, {"identity": "b" * 64}]
)
def test_another_end_is_somebody_elses(watch: Watcher, now: dict[str, Any]) -> None:
    """It was started and stopped since, or recreated: nothing that we left is there any more."""
    w = _fails(watch, Left(US, ENDED))
    assert not _stopped(w, **now)
    assert w.topics[-1] is Topic.HELD or w.incident.escalated


@pytest.mark.parametrize("intervened", [False, True])
def test_what_changed_nothing_has_stopped_nothing(watch: Watcher, intervened: bool) -> None:
    """An operator's stop is theirs, also within the time of a restart that was refused."""
    w = _fails(watch, Left(), intervened)
    assert not _stopped(w)
    assert not _stopped(w, after=1000)


def test_where_it_is_not_known_the_time_decides(watch: Watcher) -> None:
    """The engine may still carry out for a while what was given up, and get only half way."""
    w = _fails(watch, None)
    assert _stopped(w, finished_at=WALL + 60 + 90)
    w = _fails(watch, None)
    assert not _stopped(w, finished_at=WALL + 60 + 91)
    w = _fails(watch, None)
    assert not _stopped(w, finished_at=WALL - 1)


def test_each_restart_of_an_incident_counts(watch: Watcher) -> None:
    """A second one that changed nothing does not make an operator's of what the first one left."""
    w = _fails(watch, Left(US, ENDED))
    assert _stopped(w)
    w(RestartEnded(words("It failed."), left=Left()), after=60)
    assert _stopped(w)


def test_what_our_own_order_left_stopped_waits_for_no_backoff(watch: Watcher) -> None:
    """It is started with the next round; what another order of ours has not helped, waits."""
    w = watch(backoff_s=300, restart_limit_s=90)
    w.fail(identity=US)
    w(RestartEnded(words("It failed."), left=Left(US, ENDED)), after=60)
    assert _stopped(w, after=10)
    w(RestartEnded(words("It failed."), left=Left()), after=10)
    assert not _stopped(w, after=10)
    assert _stopped(w, after=600)


def test_a_cause_of_before_an_order_is_not_told_after_it(watch: Watcher) -> None:
    """What was looked for after it counts, and nothing where nothing was found."""
    w = watch()
    w(Failed(w._situation(), fact("paused")))
    assert w.incident.cause == fact("paused")
    w.go_through_restart()
    w(Failed(w._situation()), after=1)
    assert w.incident.cause == fact("paused")
    w(Failed(w._situation(), fact("docker-hung"), looked=True), after=w.policy.verify_for_s)
    assert w.told[-1].incident.cause == fact("docker-hung")
    w(Failed(w._situation(), looked=True), after=1)
    assert not w.incident.cause
