"""The engine of a host that stands still for a while, on a clock that the test moves."""

from __future__ import annotations

import threading

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Topic
from mailwatch.core.model import TargetState
from mailwatch.core.state import Stage
from mailwatch.service.delivery import SEND_LIMIT_S, SLACK_S
from mailwatch.service.queue_events import RoundDone
from tests.house import PATIENCE_S, House, bad, good


def stand_still(house: House, seconds: float) -> None:
    """Let `seconds` pass of which this process had none."""
    house.seconds += seconds
    house.monitor.stood_still(seconds, seconds)


def fail_until_restarted(house: House) -> None:
    """Fail the first round, and go on until the restart is done."""
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)


def test_a_round_that_stood_still_restarts_nothing(house: House) -> None:
    """The next one is at its usual time; two more of the kind, and it is restarted."""
    house.start()
    for _ in range(2):
        stand_still(house, 6)
        house.end_round(bad())
        assert house.monitor.state.stage is Stage.HEALTHY
        house.pass_time(house.policy.interval_s)
    assert "this host stood still for 6 s" in house.log.getvalue()
    stand_still(house, 6)
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    assert house.container.restarts == 1


def test_a_round_whose_checks_were_kept_from_their_work_restarts_nothing(house: House) -> None:
    """Also where only the thread that asks had no processor, and the loop did."""
    house.start()
    house.take(RoundDone(house.prober.begun[-1][0], (bad(),), lost_s=1.5))
    assert house.monitor.state.stage is Stage.HEALTHY
    house.pass_time(house.policy.interval_s)
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)


def test_the_final_window_is_longer_by_what_was_lost(house: House) -> None:
    """A stop through the whole of it calls nobody: a person is called when it is really over."""
    fail_until_restarted(house)
    house.pass_time(15)
    stand_still(house, 100)
    house.end_round(bad())
    house.pass_time(house.policy.verify_every_s)
    house.end_round(bad())
    assert house.monitor.state.stage is Stage.VERIFYING
    house.pass_time(house.policy.verify_for_s)
    house.end_round(bad())
    house.drain_until(lambda: Topic.ESCALATED in house.topics())


def test_neither_a_restart_nor_a_message_is_given_up_for_a_stop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hang only once they have had their time; each is done once."""
    let_go = threading.Event()

    def restart(deadline: Deadline, seen: TargetState) -> None:
        house.container.restarts += 1
        let_go.wait(PATIENCE_S)

    monkeypatch.setattr(house.container, "restart", restart)
    send = house.phone.send
    monkeypatch.setattr(house.phone, "send", lambda *to: (let_go.wait(PATIENCE_S), send(*to)))
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.container.restarts == 1)
    stand_still(house, 2 * (SEND_LIMIT_S + SLACK_S))
    house.pass_time(1)
    assert house.monitor.state.stage is Stage.RESTARTING
    let_go.set()
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    house.drain_until(lambda: not house.store.entries())
    assert house.topics() == [Topic.OPENED]


def test_a_restart_that_ran_out_of_time_standing_still_is_verified(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may well have happened; nobody is called before it has shown that it did not help."""
    asked, let_go = threading.Event(), threading.Event()

    def restart(deadline: Deadline, seen: TargetState) -> None:
        asked.set()
        let_go.wait(PATIENCE_S)
        deadline.remaining()

    monkeypatch.setattr(house.container, "restart", restart)
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.stage is Stage.RESTARTING)
    assert asked.wait(PATIENCE_S)
    stand_still(house, house.policy.restart_limit_s + 1)
    let_go.set()
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    house.pass_time(15)
    house.end_round(good())
    house.drain_until(lambda: house.topics() == [Topic.OPENED, Topic.RECOVERED])
