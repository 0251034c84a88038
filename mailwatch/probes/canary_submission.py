"""Submits a canary: up to MAIL this is liveness, from there on it is delivery (RFC 5321, 6409)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.replies import HalfReply, expect
from mailwatch.probes.canary_mark import Mark
from mailwatch.probes.probe import LEAVE_S
from mailwatch.probes.settings import CanaryRules, ServiceSettings
from mailwatch.probes.smtp import SmtpProbe

_FULL = ("4.2.2 ", "5.2.2 ")
"""The mailbox is full (RFC 3463 section 3.3)."""


class Submission(SmtpProbe):
    """Submits one message, after all that an SMTP probe does; good for one check.

    The answers from MAIL on have `within_s` in place of the deadline: filters and greylists take
    their time (RFC 5321 section 4.5.3.2 grants them minutes), and their slowness is no sign of a
    hang.
    """

    def __init__(self, settings: ServiceSettings, rules: CanaryRules, mark: Mark) -> None:
        login = settings.login if rules.submit_login else None
        super().__init__(replace(settings, login=login))
        self._rules = rules
        self._mark = mark
        self.begun = False
        """Whether the server was well enough for a message: what comes now is delivery."""
        self.sent = False
        """Whether the whole message was said: it may arrive, whatever the answer is."""
        self.accepted = False
        self.put_off = False
        """Whether the server asked for another try (a code of 4xx)."""

    def converse(self, talk: Conversation) -> None:
        """Say MAIL, RCPT and DATA, and the message."""
        super().converse(talk)
        self.begun = True
        talk.allow(self._rules.within_s)
        try:
            self._submit(talk)
        except ConversationError as error:
            self.put_off = 400 <= _code(error) < 500
            kind = SaidNo if isinstance(error, SaidNo) else ConversationError
            fault = Fault.DELIVERY if error.fault else None
            raise kind(fault, self._explained(error.detail)) from None

    def farewell(self, talk: Conversation) -> None:
        """Say QUIT; once the message is accepted, nothing that follows matters to it."""
        if not self.accepted:
            super().farewell(talk)
            return
        talk.hurry(LEAVE_S)
        with suppress(ConversationError):
            super().farewell(talk)

    def _submit(self, talk: Conversation) -> None:
        from email.utils import formatdate

        rules = self._rules
        talk.say(f"MAIL FROM:<{rules.sender}>")
        expect(talk, 250, "the answer to MAIL")
        talk.say(f"RCPT TO:<{rules.recipient}>")
        # 251: the server forwards it (RFC 5321 section 3.4); whether it arrives is seen later.
        expect(talk, 250, "the answer to RCPT", also=251)
        talk.say("DATA")
        expect(talk, 354, "the answer to DATA")
        lines = (
            f"From: <{rules.sender}>",
            f"To: <{rules.recipient}>",
            "Subject: mailwatch canary",
            f"Date: {formatdate()}",
            f"Message-ID: <{self._mark.token}@{self._mark.host}>",
            self._mark.line,
            "Auto-Submitted: auto-generated",
            "",
            "mailwatch sends this to see that mail arrives, and removes it.",
        )
        for line in lines:
            talk.say(line)
        self.sent = True
        talk.say(".")
        try:
            expect(talk, 250, "the answer to the message")
        except ConversationError as error:
            # With an answer the message stays with us (RFC 5321 section 6.1), without one who
            # knows.
            self.sent = not _code(error)
            raise
        self.accepted = True

    def _explained(self, detail: str) -> str:
        if any(code in detail for code in _FULL):
            return f"the mailbox of {self._rules.recipient} is full: {detail}"
        return detail


def _code(error: ConversationError) -> int:
    """Return the code of the whole reply that `error` is, 0 where there was none."""
    return 0 if isinstance(error, HalfReply) else error.code
