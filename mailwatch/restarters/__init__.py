"""Restarters: one file a way to look at one target and to restart it."""

from __future__ import annotations

from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import TargetState
from mailwatch.docker.settings import DockerSettings
from mailwatch.restarters.docker import DockerRestarter
from mailwatch.restarters.errors import RestartError

__all__ = ["DockerRestarter", "DockerSettings", "RestartError", "Restarter"]


class Restarter(Protocol):
    """What every restarter does; one is used from one thread only."""

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what the target is doing; it never raises, and ends with `deadline`."""

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        """Restart the target, or raise RestartError; it ends with `deadline`.

        `seen` is how it was when the restart was decided: what others do to it since counts more.
        """
