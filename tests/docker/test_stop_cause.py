from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition
from mailwatch.docker.engine_client import Link
from mailwatch.docker.record import Record
from mailwatch.docker.stop_cause import Ends

BEGAN, ENDED = "2026-03-01T03:00:00Z", "2026-03-01T04:00:00Z"
UNTIL = 100.0
"""Until then (steady) the engine may carry out what was cut short."""


def _record(status: str, ended: str = "", began: str = BEGAN, identity: str = "a" * 64) -> Record:
    state = {"Status": status, "StartedAt": began, "FinishedAt": ended, "ExitCode": 0}
    return {"Id": identity, "Name": "/mail", "State": state}


def _at(steady: float) -> Deadline:
    return Deadline.after(5, lambda: steady)


def _cut_short() -> Ends:
    ends = Ends(Link("/nowhere/docker.sock"))
    ends.cut_short(_record("running"), UNTIL)
    return ends


def test_an_end_while_our_restart_may_be_under_way_is_its_doing() -> None:
    """It stays so afterwards: nobody wanted the container stopped, however long it stands."""
    ends, stopped = _cut_short(), _record("exited", ENDED)
    assert ends.left_stopped(stopped, _at(UNTIL - 1))
    assert ends.left_stopped(stopped, _at(UNTIL + 1000))
    condition, detail = ends.condition(stopped, _at(UNTIL + 1000))
    assert condition is Condition.CRASHED
    assert detail.startswith("A restart by mailwatch stopped mail at 2026-03-01 04:00:00")


def test_an_end_after_our_restart_is_somebody_elses() -> None:
    """Nobody saw it stopped before, and the engine has given our restart up by then."""
    stopped = _record("exited", ENDED)
    assert not _cut_short().left_stopped(stopped, _at(UNTIL + 1))
    ends = _cut_short()
    ends.settle()
    assert not ends.left_stopped(stopped, _at(UNTIL - 1))


def test_what_was_found_stopped_at_once_is_our_doing_whenever_it_is_looked_at() -> None:
    """The engine refused after it had stopped the container; the next look may be much later."""
    ends = _cut_short()
    ends.found_stopped(_record("exited", ENDED))
    assert ends.left_stopped(_record("exited", ENDED), _at(UNTIL + 1000))
    again = _record("exited", "2026-03-01T05:00:00Z")
    assert not ends.left_stopped(again, _at(UNTIL - 1)), "it was started and stopped since"


def test_a_run_that_is_another_is_none_of_ours() -> None:
    """One that was recreated, started anew, or that runs, was not left stopped by us."""
    ends = _cut_short()
    assert not ends.left_stopped(_record("running"), _at(0))
    assert not ends.left_stopped(_record("exited", ENDED, began=ENDED), _at(0))
    assert not ends.left_stopped(_record("exited", ENDED, identity="b" * 64), _at(0))
