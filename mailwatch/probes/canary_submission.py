"""Submits a canary: up to MAIL this is liveness, from there on it is delivery (RFC 5321, 6409)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.smtp import SmtpSession, reply_code
from mailwatch.probes.canary_mark import Mark
from mailwatch.probes.canary_settings import Settings
from mailwatch.probes.probe import LEAVE_S
from mailwatch.probes.settings import ServiceSettings
from mailwatch.probes.smtp import SmtpProbe

_FULL = ("4.2.2 ", "5.2.2 ")
"""The mailbox is full (RFC 3463 section 3.3)."""


class Submission(SmtpProbe):
    """Submits one message, after all that an SMTP probe does; good for one check.

    The answers from MAIL on have `within_s` in place of the deadline: filters and greylists may
    take their time (minutes, by RFC 5321 section 4.5.3.2).
    """

    def __init__(self, settings: ServiceSettings, rules: Settings, mark: Mark) -> None:
        super().__init__(rules.of_smtp(settings))
        self._rules = rules
        self._mark = mark
        self.begun = False
        """Whether the server was well enough for a message: what comes now is delivery."""
        self.sent = False
        """Whether the whole message was said: it may arrive, whatever the answer is."""
        self.accepted = False
        self.put_off = False
        """Whether the server asked for another try (a code of 4xx)."""

    def converse(self, talk: Conversation) -> Steps[None]:
        """Say MAIL, RCPT and DATA, and the message."""
        yield from super().converse(talk)
        if self.settings.login and not talk.login:
            return  # to see whether the server lives
        self.begun = True
        talk.allow(self._rules.within_s)
        session = SmtpSession(talk, self.hello)
        try:
            # An answer of 251 to RCPT will do: whether the message arrives is seen later.
            yield from session.submit(self._rules.sender, [self._rules.recipient], self._message())
        except ConversationError as error:
            self.put_off = 400 <= reply_code(error) < 500
            kind = SaidNo if isinstance(error, SaidNo) else ConversationError
            detail = error.detail
            if any(code in str(detail.get("said")) for code in _FULL):
                who = self._rules.recipient
                detail = fact("canary-mailbox-full", recipient=who, answer=detail)
            raise kind(Fault.DELIVERY if error.fault else None, detail) from None
        finally:
            self.sent, self.accepted = session.sent, session.accepted

    def farewell(self, talk: Conversation) -> Steps[None]:
        """Say QUIT; once the message is accepted, nothing that follows matters to it."""
        if not self.accepted:
            yield from super().farewell(talk)
            return
        talk.hurry(LEAVE_S)
        with suppress(ConversationError):
            yield from super().farewell(talk)

    def _message(self) -> Iterator[str]:
        from email.utils import formatdate

        yield f"From: <{self._rules.sender}>"
        yield f"To: <{self._rules.recipient}>"
        yield "Subject: mailwatch canary"
        yield f"Date: {formatdate()}"
        yield f"Message-ID: <{self._mark.token}@{self._mark.host}>"
        yield self._mark.line
        yield "Auto-Submitted: auto-generated"
        yield ""
        yield "mailwatch sends this to see that mail arrives, and removes it."
