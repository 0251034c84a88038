"""A container in the network of another: what drops every connection there is no ban."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.events import Restart
from mailwatch.core.incident import step
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.observation import bad_news
from mailwatch.core.policy import Policy
from mailwatch.core.state import Reason, State

if TYPE_CHECKING:
    from mailwatch.restarters.docker import DockerRestarter
    from tests.restarters.conftest import Engine, Within


@pytest.mark.parametrize(
    ("mode", "guest"),
    [("bridge", False), ("host", False), ("mail_default", False), ("container:0123", True)],
)
def test_the_record_shows_it(
    engine: Engine, restarter: DockerRestarter, within: Within, mode: str, guest: bool
) -> None:
    """Compose's `service:` has become `container:` with an id in the engine's record."""
    assert engine.container is not None
    engine.container["HostConfig"]["NetworkMode"] = mode
    assert restarter.inspect(within(30)).guest is guest


def test_a_guest_that_drops_everybody_is_restarted() -> None:
    """A restart puts it into the network that its host has now; one of its own may have banned."""
    dropped = [Reading(one, Verdict.FAIL, Fault.DROPPED) for one in ("SMTP:25", "IMAPS:993")]
    home = TargetState(Condition.RUNNING, started_at=1000.0)
    now = Now(5000.0, 1_700_000_000.0)
    held, _ = step(State(), bad_news(dropped, home, None), now, Policy())
    assert held.incident is not None
    assert held.incident.hold is not None
    assert held.incident.hold.reason is Reason.BANNED
    guest = replace(home, guest=True)
    _, actions = step(State(), bad_news(dropped, guest, None), now, Policy())
    assert any(isinstance(action, Restart) for action in actions)
