"""A target that could not be restarted if it had to be: who is told of it, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailwatch.core.events import RestartEnded
from mailwatch.core.facts import NOTHING, words
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.readiness import CONFIRM_S, LOOK_EVERY_S, UNABLE
from mailwatch.core.say import say
from mailwatch.notifiers import DeliveryError
from mailwatch.service.monitor import Monitor
from mailwatch.service.onlooker import Onlooker
from tests.house import RUNNING, House, bad, good

CAN, CANNOT = "can restart mail again", "cannot restart mail"


@pytest.mark.parametrize("condition", sorted(UNABLE))
def test_it_is_told_once_and_once_when_it_is_over(house: House, condition: Condition) -> None:
    """At the start in the journal and the status line; on the phone when it has lasted."""
    house.container.state = TargetState(condition, words("no such thing"))
    house.start()
    assert "no such thing" in house.log.getvalue()
    house.end_round(good())
    assert "no such thing" in say(house.monitor.status(house.now))
    assert house.topics() == []
    for _ in range(3):
        house.pass_time(CONFIRM_S)
        house.drain_until(lambda: house.store.entries() == ())
    assert [message.topic for message in house.phone.messages] == [Topic.NOTICE]
    assert CANNOT in house.phone.messages[0].title
    house.container.state = RUNNING
    house.pass_time(LOOK_EVERY_S)
    house.drain_until(lambda: len(house.phone.messages) == 2)
    assert CAN in house.phone.messages[1].title
    assert "no such thing" not in say(house.monitor.status(house.now))


def test_a_container_that_is_recreated_is_no_news(house: House) -> None:
    """What is gone at one look and there at the next is not told."""
    house.container.state = TargetState(Condition.MISSING, words("gone"))
    house.start()
    house.container.state = RUNNING
    house.pass_time(CONFIRM_S)
    assert house.container.glances == 2
    assert house.topics() == []
    house.pass_time(LOOK_EVERY_S - 1)
    assert house.container.glances == 2


def test_a_reload_looks_anew(house: House) -> None:
    """Another container may be named now."""
    house.start()
    house.monitor.reconfigure(house.parts)
    house.pass_time(0)
    assert house.container.glances == 2


def test_nobody_looks_where_nothing_is_restarted(house: House) -> None:
    """Neither with max_restarts = 0 nor in an open incident, which has looks of its own."""
    never = replace(house.parts, policy=replace(house.policy, max_restarts=0))
    house.monitor = Monitor(never)
    house.start()
    assert house.container.glances == 0
    house.monitor = Monitor(house.parts)
    house.start()
    house.end_round(bad())
    house.drain_until(lambda: house.monitor.state.incident is not None)
    glances = house.container.glances
    house.pass_time(1)
    assert house.container.glances == glances


def test_what_an_incident_shows_counts_at_once(house: House) -> None:
    """A look of the incident's says what is so now, and a restart that fails is heard of."""
    heard: list[str] = []

    class Listener(Onlooker):
        def restarted(self, ended: RestartEnded, now: Now) -> None:
            heard.append(say(ended.error))

    house.parts = replace(house.parts, onlookers=(Listener(),))
    house.monitor = Monitor(house.parts)
    house.start()
    house.container.error = "403 Forbidden"
    house.end_round(bad())
    house.drain_until(lambda: bool(heard))
    assert heard == ["403 Forbidden"]
    house.container.state = TargetState(Condition.DENIED, words("no such right"))
    house.pass_time(3600)
    house.end_round(bad())
    house.drain_until(lambda: "no such right" in say(house.monitor.status(house.now)))


def test_a_delivery_shows_whether_messages_arrive(house: House) -> None:
    """The last one that was tried, whichever way it went."""
    house.start()
    assert dict(house.delivery.troubles) == {}
    house.phone.error = DeliveryError(words("Nobody answers."))
    house.container.error = "403 Forbidden"
    house.end_round(bad())
    house.drain_until(lambda: bool(house.delivery.troubles))
    assert say(house.delivery.troubles["gotify"]) == "Nobody answers."
    house.phone.error = None
    house.pass_time(3600)
    house.drain_until(lambda: house.delivery.troubles["gotify"] == NOTHING)
    assert house.delivery.reached["gotify"] is not None
