"""A check that asks something else than a port: a program, a queue, the name system."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Phase, Reading
from mailwatch.probes.probe import Check, reading_of, trouble_of


class PortlessCheck(Check):
    """Turns one question into one reading; a subclass knows whom to ask."""

    def check(self, deadline: Deadline) -> Reading:
        """Ask once, and say how it went; over by `deadline`, and never raises."""
        began = deadline.clock()
        error = trouble_of(lambda: self.inquire(deadline))
        took_s = deadline.clock() - began
        return reading_of(self.settings, error, MappingProxyType({Phase.DIALOGUE: took_s}))

    @abstractmethod
    def inquire(self, deadline: Deadline) -> None:
        """Return where all is well; raises ConversationError."""
