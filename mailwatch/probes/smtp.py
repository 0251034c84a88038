"""SMTP, submission and SMTPS: greeting, EHLO, QUIT (RFC 5321, RFC 6409, RFC 3207, RFC 4954)."""

from __future__ import annotations

from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.net.smtp import SmtpSession
from mailwatch.probes.probe import Probe


class SmtpProbe(Probe):
    """Says EHLO and QUIT, and between them STARTTLS and AUTH where that is asked for."""

    protocol = "smtp"
    hello = "EHLO"
    last_word = "QUIT"

    def converse(self, talk: Conversation) -> Steps[None]:
        """Hear 220, say EHLO and hear 250."""
        yield from SmtpSession(talk, self.hello).begin(self.settings.tls, talk.settings.login)


PROBE = SmtpProbe
