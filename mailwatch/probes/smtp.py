"""SMTP, submission and SMTPS: greeting, EHLO, QUIT (RFC 5321, RFC 6409, RFC 3207, RFC 8314)."""

from __future__ import annotations

from mailwatch.core.model import Fault
from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import SaidNo
from mailwatch.probes.probe import Probe
from mailwatch.probes.replies import expect
from mailwatch.probes.settings import TlsMode


class SmtpProbe(Probe):
    """Says EHLO and QUIT, and STARTTLS between them where that is asked for."""

    def converse(self, talk: Conversation) -> None:
        """Hear 220, say EHLO and hear 250."""
        expect(talk, 220, "the greeting")
        extensions = self._hello(talk)
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in extensions:
                raise SaidNo(Fault.PROTOCOL, "the answer to EHLO offers no STARTTLS")
            talk.say("STARTTLS")
            expect(talk, 220, "the answer to STARTTLS")
            talk.start_tls()
            self._hello(talk)

    def farewell(self, talk: Conversation) -> None:
        """Say QUIT and hear 221."""
        talk.say("QUIT")
        expect(talk, 221, "the answer to QUIT")

    def _hello(self, talk: Conversation) -> set[bytes]:
        talk.say(f"EHLO {address_literal(talk.own_address)}")
        _, *extensions = expect(talk, 250, "the answer to EHLO")
        return {line.split(b" ")[0].upper() for line in extensions}


def address_literal(address: str) -> str:
    """Return `address` as RFC 5321 section 4.1.3 writes it.

    Servers refuse bare names such as `localhost`, but must accept the literal of the client.
    """
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
