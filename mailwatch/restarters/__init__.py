"""Restarters: one file a way to look at one target and to restart it."""

from __future__ import annotations

from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Description, TargetState
from mailwatch.restarters.errors import RestartError

__all__ = ["PortMap", "RestartError", "Restarter"]


class Restarter(Protocol):
    """What every restarter does; one is used from one thread only."""

    def describe(self) -> Description:
        """Return what gets restarted, without looking at it."""

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what the target is doing; it never raises, and ends with `deadline`."""

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        """Restart the target, or raise RestartError; it ends with `deadline`.

        `seen` is how it was when the restart was decided: what others do to it since counts more.
        """


class PortMap(Protocol):
    """What knows of a local target which ports of this host lead into it; of one thread, too.

    A restarter's module makes one with `port_map(settings, asked)`, or None where its target is
    not on this host.
    """

    def complete(self, state: TargetState, deadline: Deadline) -> TargetState:
        """Return `state` with `listens`, `elsewhere`, `unheard` and `seen_as`; never raises."""
