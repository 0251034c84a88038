"""Restarters: one file a way to look at one target and to restart it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact
from mailwatch.core.model import Description, TargetState
from mailwatch.core.say import say
from mailwatch.core.state import Left


@dataclass(eq=False)
class RestartError(Exception):
    """A target was not restarted, or nobody can say that it was.

    `detail` says what happened and what to do. `permanent` is true where trying again cannot help
    and a person must act. `intervened` is true where somebody else stopped or replaced the target
    at the same moment, so that it was left to them. `left` is what the restart has stopped and
    not started again, None where that is not known.
    """

    detail: Fact
    _: KW_ONLY
    permanent: bool = False
    intervened: bool = False
    left: Left | None = None

    def __str__(self) -> str:
        return say(self.detail)


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
