"""Whether something listens decides, where every service drops us, if the engine restarts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding
from mailwatch.core.investigation import LOOK_GRACE_S
from mailwatch.core.message import Topic
from mailwatch.core.model import Fault, TargetState
from mailwatch.core.state import Stage
from mailwatch.evidence.subject import Subject
from mailwatch.service.queue_events import AttemptDone, RoundDone
from tests.house import RUNNING, House, bad, good

BANNED = (bad("SMTP:25", Fault.DROPPED), bad("IMAPS:993", Fault.DROPPED))
ALIVE = replace(RUNNING, listens={25: True, 993: True})
DEAD = replace(RUNNING, listens={25: False, 993: False})


def drop_twice_more(house: House) -> None:
    """Let two further rounds find that every service drops us."""
    for _ in range(2):
        house.pass_time(house.policy.verify_every_s)
        house.end_round(*BANNED)
        house.drain_until(lambda: not house.recovery.busy)


def test_a_container_in_which_nothing_listens_is_restarted(house: House) -> None:
    """Docker's proxy drops in its place: the message names that as the cause, and no ban."""
    house.container.state = DEAD
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.OPENED])
    house.drain_until(lambda: house.container.restarts == 1)
    body = house.phone.messages[0].body
    assert "Cause: nothing listens inside the container for them." in body
    assert "ban" not in body
    assert "cause: nothing listens" in house.log.getvalue()


def test_a_ban_is_held_until_a_round_finds_nothing_that_listens(house: House) -> None:
    """A person is called for the ban; when the server is gone, it is restarted quietly."""
    house.container.state = ALIVE
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    house.container.state = DEAD
    drop_twice_more(house)
    house.drain_until(lambda: house.monitor.state.stage is Stage.SETTLING)
    assert house.container.restarts == 1
    house.pass_time(house.policy.settle_s)
    house.end_round(good(), good("IMAPS:993"))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED, Topic.RECOVERED])
    assert "Cause: nothing listens inside" in house.phone.messages[-1].body


@pytest.mark.parametrize("during", [ALIVE, replace(ALIVE, listens={993: True})])
def test_a_server_that_listened_during_the_round_may_have_banned_us(
    house: House, during: TargetState
) -> None:
    """Gone when the round is judged, it is restarted only if two more rounds find it so too."""
    house.container.state = during
    house.start()
    house.take(AttemptDone(1, "SMTP:25", 1, BANNED[0]))
    house.drain_until(lambda: not house.recovery.busy)
    house.container.state = DEAD
    house.take(RoundDone(1, BANNED))
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    drop_twice_more(house)
    house.drain_until(lambda: house.container.restarts == 1)


def test_what_was_seen_before_the_round_ended_proves_nothing(house: House) -> None:
    """The engine hangs when the round is judged: it stays a ban, as long as nobody can look."""
    house.container.state = DEAD
    house.start()
    house.take(AttemptDone(1, "SMTP:25", 1, BANNED[0]))
    house.drain_until(lambda: not house.recovery.busy)
    house.container.hangs = True
    house.take(RoundDone(1, BANNED))
    house.pass_time(LOOK_GRACE_S)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0


def test_a_listener_that_the_evidence_found_may_have_banned_us(
    house: House, tmp_path: Path
) -> None:
    """The look around and the look at the container disagree: nothing is restarted."""

    def find(_subject: Subject, _deadline: Deadline) -> Finding:
        return Finding({"watched": [{"port": 25, "published_as": 25, "listens": True}]})

    house.look_around(tmp_path, {"connections": find})
    house.container.state = DEAD
    house.start()
    house.end_round(*BANNED)
    house.drain_until(lambda: house.topics() == [Topic.ESCALATED])
    assert house.container.restarts == 0
    drop_twice_more(house)
    house.drain_until(lambda: house.container.restarts == 1)
    assert house.said == []
