"""A check that asks something else than a port: a program, a queue, names, or nobody at all."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING
from mailwatch.core.model import Phase, Reading
from mailwatch.net.errors import ConversationError
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


class Skipped(PortlessCheck):
    """Answers for a service whose password cannot be read here: unmeasured, and why."""

    def inquire(self, deadline: Deadline) -> None:
        """Raise ConversationError; nobody is asked."""
        login = self.settings.login
        raise ConversationError(None, login.withheld if login else NOTHING)
