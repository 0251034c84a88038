"""Which ports of this host lead into a container, what is behind them, and whom it sees asking."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Asked, Condition, TargetState
from mailwatch.docker.listeners import Behind, behind
from mailwatch.docker.network import elsewhere, inside, published
from mailwatch.docker.settings import DockerSettings
from mailwatch.docker.source_address import seen_as

SERVING = frozenset({Condition.RUNNING, Condition.STARTING})


class DockerPortMap:
    """The ports of a container, by the record that the restarter has read of it.

    An engine of another host is told by its processes, which are not to be found here.
    """

    def __init__(self, _settings: DockerSettings, asked: Asked) -> None:
        self._asked = asked

    def complete(self, state: TargetState, deadline: Deadline) -> TargetState:
        """Return `state` with what is known of the ports; it never raises, and ends in time."""
        container = state.record
        if not container:
            return state
        found = Behind()
        if state.condition in SERVING:
            asked = inside(published(container), self._asked.ports, loopback=True)
            found = behind(container, asked, deadline)
        return replace(
            state,
            seen_as=seen_as(container, self._asked.hosts, self._asked.introduced),
            listens=found.listens,
            unheard=found.unheard,
            elsewhere=elsewhere(container, self._asked.ports),
        )
