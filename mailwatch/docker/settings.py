"""Which container to restart, and how long that may take."""

from __future__ import annotations

from dataclasses import dataclass

START_S = 20
"""The engine's time to start a container again, on top of the time for stopping it."""

SETTLE_S = 10
"""The time to find out what became of a restart whose answer did not come."""


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """Which container, behind which socket.

    `stop_timeout_s` (whole seconds, >= 1) is how long the container may take to end before it
    is killed; it overrides the container's own StopTimeout.
    """

    container: str = "stalwart"
    socket: str = "/var/run/docker.sock"
    stop_timeout_s: int = 30

    @property
    def longest_restart_s(self) -> float:
        """The deadline, in seconds, with which `restart` never has to hurry."""
        return self.stop_timeout_s + START_S + SETTLE_S
