"""A check that asks something else than a port: a program, a queue, the name system."""

from __future__ import annotations

from abc import abstractmethod
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Phase, Reading, Verdict
from mailwatch.net.errors import ConversationError
from mailwatch.probes.probe import Check


class PortlessCheck(Check):
    """Turns one question into one reading; a subclass knows whom to ask."""

    def check(self, deadline: Deadline) -> Reading:
        """Ask once, and say how it went; over by `deadline`, and never raises."""
        began = deadline.clock()
        error: ConversationError | None = None
        try:
            self.inquire(deadline)
        except ConversationError as trouble:
            error = trouble
        except Exception as bug:  # noqa: BLE001  a bug of ours says nothing about the service
            # The type alone: the text of an unforeseen exception may hold anything.
            error = ConversationError(None, f"a fault of mailwatch: {type(bug).__name__}")
        if error is None:
            verdict = Verdict.PASS
        else:
            verdict = Verdict.UNMEASURED if error.fault is None else Verdict.FAIL
        return Reading(
            service=self.settings.key,
            verdict=verdict,
            fault=error.fault if error else None,
            detail=words(error.detail if error else ""),
            phases=MappingProxyType({Phase.DIALOGUE: deadline.clock() - began}),
        )

    @abstractmethod
    def inquire(self, deadline: Deadline) -> None:
        """Return where all is well; raises ConversationError."""
