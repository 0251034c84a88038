"""Submits a canary: up to MAIL this is liveness, from there on it is delivery (RFC 5321, 6409)."""

from __future__ import annotations

import re
from contextlib import suppress

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.net.blame import names_limit
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.smtp import SmtpSession, reply_code
from mailwatch.probes.canary_mark import Mark, message
from mailwatch.probes.canary_settings import Settings
from mailwatch.probes.login_record import LoginRecord
from mailwatch.probes.probe import LEAVE_S
from mailwatch.probes.settings import ServiceSettings
from mailwatch.probes.smtp import SmtpProbe

_FULL = re.compile(r"\b[45]\.2\.2\b")
"""The mailbox is full (RFC 3463 section 3.3)."""

_TROUBLE = re.compile(r"\b[45]\.3\.\d\b")
"""The server blames itself (RFC 3463 section 3.4): no greylist does."""

_RATE = re.compile(
    r"\brate[ -]?limit|\b(?:message|sending) rate|\brate (?:is |was )?exceeded|\bthrottl"
    r"|\btoo (?:many messages|much mail)",
    re.I,
)
"""What shows that the server counts how many messages come from us."""


class Submission(SmtpProbe):
    """Submits one message, after all that an SMTP probe does; good for one check.

    The answers from MAIL on have `within_s` in place of the deadline: filters and greylists may
    take their time (minutes, by RFC 5321 section 4.5.3.2).
    """

    def __init__(
        self, settings: ServiceSettings, rules: Settings, mark: Mark, logins: LoginRecord
    ) -> None:
        super().__init__(rules.of_smtp(settings), logins)
        self._rules = rules
        self._mark = mark
        self.begun = False
        """Whether the server was well enough for a message: what comes now is delivery."""
        self.sent = False
        """Whether the whole message was said: it may arrive, whatever the answer is."""
        self.accepted = False
        self.put_off = False
        """Whether the server asked for another try (a code of 4xx)."""
        self.in_trouble = False
        """Whether it blamed itself when it did."""
        self.limited = False
        """Whether the server takes no more messages from us, for now."""

    def converse(self, talk: Conversation) -> Steps[None]:
        """Say MAIL, RCPT and DATA, and the message."""
        yield from super().converse(talk)
        if self.settings.login and not talk.settings.login:
            return  # to see whether the server lives
        self.begun = True
        talk.allow(self._rules.within_s)
        session = SmtpSession(talk, self.hello)
        try:
            # An answer of 251 to RCPT will do: whether the message arrives is seen later.
            sender, recipient = self._rules.sender, self._rules.recipient
            lines = message(sender, recipient, self._mark)
            yield from session.submit(sender, [recipient], lines)
        except ConversationError as error:
            kind = SaidNo if isinstance(error, SaidNo) else ConversationError
            detail, said = error.detail, str(error.detail.get("said"))
            code, is_full = reply_code(error), _FULL.search(said) is not None
            self.put_off = 400 <= code < 500
            self.in_trouble = self.put_off and _TROUBLE.search(said) is not None
            too_many = self.put_off and not self.in_trouble and names_limit(said.encode())
            at_limit = too_many or _RATE.search(said) is not None
            self.limited = code > 0 and at_limit and not is_full
            if is_full:
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
