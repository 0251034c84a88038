"""What is known of one login: whether it ever passed, and why it is not tried for now."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.model import Fault
from mailwatch.net.errors import ConversationError
from mailwatch.net.logins import Unanswered

LOGIN_AGAIN_S = 1800.0
"""How long a login that was refused is not tried again: servers ban for a hundred a day."""

SILENT_ROUNDS = 3
"""After so many rounds on end without an answer to it, a login is a failure."""

CLOSED_ROUNDS = 2
"""After so many rounds on end that were closed upon it, a login is refused: one may be chance."""

_THIS_ROUND = float("inf")


@dataclass(slots=True)
class LoginRecord:
    """Kept from attempt to attempt; moments are steady."""

    _spared_until: float = float("-inf")
    _instead: ConversationError = field(default_factory=lambda: ConversationError(None, NOTHING))
    _let_in: bool = False
    _rounds: int = 0
    """How many on end were without an answer, all in the same way."""
    _closed: bool = False

    def begin_round(self, proven: bool) -> None:
        """Try a login again that was spared for the rest of a round.

        One that is `proven` has passed before, perhaps in another process.
        """
        self._let_in = self._let_in or proven
        if self._spared_until == _THIS_ROUND:
            self.forget()

    def forget(self) -> None:
        """Try a login that was refused again: what kept its passwords may have hung too."""
        self._spared_until = float("-inf")

    def instead(self, now: float) -> ConversationError | None:
        """Return what stands for a login that is not to be tried at `now`, None for one that is."""
        return self._instead if now < self._spared_until else None

    def answered(self, refusal: ConversationError | None, now: float) -> None:
        """Take note of an answer to a login that was tried at `now`, None for a yes."""
        self._rounds = 0
        if refusal is None:
            self._let_in = True
        else:
            self._spare(refusal, now + LOGIN_AGAIN_S)

    def unanswered(self, error: Unanswered, now: float, limit_s: float) -> ConversationError:
        """Return what a login without an answer is, of a server that answers without one.

        Closed upon for CLOSED_ROUNDS, it is refused. Silent for SILENT_ROUNDS it is a fault of the
        server where it has passed before, and a refusal where it never has.
        """
        closed, fault = error.fault is Fault.RESET, None
        self._rounds = self._rounds + 1 if closed is self._closed else 1
        self._closed = closed
        if closed:
            told = fact("login-closed", found=error.detail)
            if self._rounds < CLOSED_ROUNDS:
                return self._spare(ConversationError(None, told), _THIS_ROUND)
            return self._spare(ConversationError(Fault.AUTHENTICATION, told), now + LOGIN_AGAIN_S)
        if self._rounds >= SILENT_ROUNDS:
            fault = Fault.TIMEOUT if self._let_in else Fault.AUTHENTICATION
        told = fact("login-unanswered", found=error.detail, limit_s=limit_s)
        return self._spare(ConversationError(fault, told), _THIS_ROUND)

    def _spare(self, error: ConversationError, until: float) -> ConversationError:
        self._spared_until, self._instead = until, error
        return error
