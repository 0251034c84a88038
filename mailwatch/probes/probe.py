"""What every check is, and what most are: one conversation, turned into one reading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.conversation import Conversation
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import masked
from mailwatch.probes.settings import ServiceSettings

LOGIN_AGAIN_S = 1800.0
"""How long a login that was refused is not tried again: servers ban for a hundred a day."""

LEAVE_S = 1.0
"""What a leave-taking may cost whose outcome matters to nobody."""


class Check(ABC):
    """Finds out how one thing is, as often as it is asked to."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings

    @abstractmethod
    def check(self, deadline: Deadline) -> Reading:
        """Return how it is by `deadline`; never raises."""

    def forget(self) -> None:  # noqa: B027  most remember nothing
        """Let nothing that was found so far stand for the next check: the server is new."""


class Probe(Check):
    """Asks one service whether it lives; a subclass knows one protocol's words."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self._refusal: tuple[float, str] | None = None
        """When a login was refused (steady), and how."""

    def check(self, deadline: Deadline) -> Reading:
        """Hold one whole conversation and say how it went.

        It is over by `deadline`, on a system that schedules us, and never raises: whatever goes
        wrong on our side is an unmeasured reading.
        """
        now = deadline.clock()
        refused = self._refused_before(now)
        settings = replace(self.settings, login=None) if refused else self.settings
        talk = Conversation(settings, deadline)
        try:
            self._hold(talk, refused)
        except ConversationError as error:
            if self.settings.login:
                error.detail = masked(error.detail, self.settings.login)
            if error.fault is Fault.AUTHENTICATION and not refused:
                self._refusal = now, error.detail
            return self._reading(talk, error)
        except Exception as error:  # noqa: BLE001  a bug of ours says nothing about the service
            # The type alone: the text of an unforeseen exception may hold anything.
            name = type(error).__name__
            return self._reading(talk, ConversationError(None, f"a fault of mailwatch: {name}"))
        finally:
            talk.close()
        return self._reading(talk, None)

    def forget(self) -> None:
        """Try a login that was refused again: what kept its passwords may have hung too."""
        self._refusal = None

    def _refused_before(self, now: float) -> str:
        """Return how the login was refused, empty where it was not, or where it may be tried."""
        if self._refusal and now - self._refusal[0] < LOGIN_AGAIN_S:
            return self._refusal[1]
        return ""

    def _hold(self, talk: Conversation, refused: str) -> None:
        talk.open()
        try:
            self.converse(talk)
        except SaidNo:
            # What matters is known; a peer that says no and then hangs costs no more than this.
            talk.hurry(LEAVE_S)
            with suppress(ConversationError):
                self.farewell(talk)
                talk.part()
            raise
        self.farewell(talk)
        talk.part()
        if refused:
            raise ConversationError(Fault.AUTHENTICATION, refused)

    @abstractmethod
    def converse(self, talk: Conversation) -> None:
        """Say and hear everything that shows life; raises ConversationError."""

    @abstractmethod
    def farewell(self, talk: Conversation) -> None:
        """Take leave as the protocol wants it, also after a SaidNo; raises ConversationError."""

    def _reading(self, talk: Conversation, error: ConversationError | None) -> Reading:
        fault = error.fault if error else None
        if error is None:
            verdict = Verdict.PASS
        else:
            verdict = Verdict.UNMEASURED if fault is None else Verdict.FAIL
        return Reading(
            service=self.settings.key,
            verdict=verdict,
            fault=fault,
            detail=words(error.detail if error else ""),
            phases=talk.phases(),
            certificate_expires=talk.certificate_expires,
        )
