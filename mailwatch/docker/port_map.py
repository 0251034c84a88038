"""Which ports of this host lead into a container, what is behind them, and whom it sees asking."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Asked, Condition, TargetState
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.listeners import Behind, behind
from mailwatch.docker.network import elsewhere, inside, published
from mailwatch.docker.record import state_of
from mailwatch.docker.settings import DockerSettings
from mailwatch.docker.source_address import seen_as

SERVING = frozenset({Condition.RUNNING, Condition.STARTING})


class DockerPortMap:
    """The ports of one container by its name, on a connection of its own; use it from one thread.

    An engine of another host is told by its processes, which are not to be found here.
    """

    def __init__(self, settings: DockerSettings, asked: Asked) -> None:
        self._name = settings.container
        self._asked = asked
        self._link = Link(settings.socket)

    def complete(self, state: TargetState, deadline: Deadline) -> TargetState:
        """Return `state` with what is known of the ports; it never raises, and ends in time.

        Nothing is added where there is no container, or the one there has been started anew.
        """
        if not state.identity:
            return state
        container = None
        try:
            container = self._link.container(self._name, deadline)
        except EngineFault:
            self.close()
        if container is None:
            return state
        now = state_of(container, state.condition, state.detail)
        if (now.identity, now.started_at) != (state.identity, state.started_at):
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

    def close(self) -> None:
        """Give the connection to the engine back; the next call makes a new one."""
        self._link.close()
