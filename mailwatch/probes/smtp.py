"""SMTP, submission and SMTPS: greeting, EHLO, QUIT (RFC 5321, RFC 6409, RFC 3207, RFC 4954)."""

from __future__ import annotations

from mailwatch.core.model import Fault, Phase
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import plain, require_privacy, wrapped
from mailwatch.net.replies import HalfReply, expect
from mailwatch.probes.probe import Probe

_REFUSED = dict.fromkeys((525, 530, 534, 535, 538), Fault.AUTHENTICATION)
"""Wrong credentials, an account that is disabled, or a way to log in that is too weak for them.

RFC 4954 section 6, RFC 5248 section 2.4, and RFC 3207 section 4 for 530.
"""


_POSTSCREEN = (
    "only the first line of its greeting came, as Postfix's postscreen does to a stranger: raise "
    "attempt_timeout_s above its postscreen_greet_wait (6 s), or put this host's address on its "
    "postscreen_access_list"
)
"""See postscreen(8); one that has heard the whole greeting is no stranger for a day."""

_LONGEST_GREET_WAIT_S = 12.0
"""Twice what postscreen takes by default; who is silent for longer hangs behind it."""


class SmtpProbe(Probe):
    """Says EHLO and QUIT, and between them STARTTLS and AUTH where that is asked for."""

    hello = "EHLO"

    def converse(self, talk: Conversation) -> None:
        """Hear 220, say EHLO and hear 250."""
        self._greeted(talk)
        offers = self._hello(talk)
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in offers:
                raise SaidNo(Fault.PROTOCOL, f"the answer to {self.hello} offers no STARTTLS")
            talk.say("STARTTLS")
            expect(talk, 220, "the answer to STARTTLS")
            talk.start_tls()
            offers = self._hello(talk)
        if talk.login:
            self._log_in(talk, talk.login, offers.get(b"AUTH", []))

    def farewell(self, talk: Conversation) -> None:
        """Say QUIT and hear 221."""
        talk.say("QUIT")
        expect(talk, 221, "the answer to QUIT")

    def _greeted(self, talk: Conversation) -> None:
        """Hear 220; raises unmeasured where a postscreen lets us wait for the end of it."""
        try:
            expect(talk, 220, "the greeting", opens=True)
        except HalfReply as half:
            waited_s = talk.phases()[Phase.GREETING]
            if (half.code, half.lines) == (220, 1) and waited_s < _LONGEST_GREET_WAIT_S:
                raise ConversationError(None, _POSTSCREEN) from None
            raise

    def _hello(self, talk: Conversation) -> dict[bytes, list[bytes]]:
        """Return the extensions on offer, and what each says of itself."""
        talk.say(f"{self.hello} {address_literal(talk.own_address)}")
        _, *lines = expect(talk, 250, f"the answer to {self.hello}", opens=True)
        words = [line.upper().split() for line in lines]
        return {first: rest for first, *rest in filter(None, words)}

    def _log_in(self, talk: Conversation, login: Login, mechanisms: list[bytes]) -> None:
        require_privacy(talk)
        if b"PLAIN" in mechanisms:
            talk.say(f"AUTH PLAIN {plain(login)}")
        elif b"LOGIN" in mechanisms:
            talk.say("AUTH LOGIN")
            expect(talk, 334, "the answer to AUTH", _REFUSED)
            talk.say(wrapped(login.user))
            expect(talk, 334, "the answer to the user name", _REFUSED)
            talk.say(wrapped(login.password.reveal()))
        else:
            raise SaidNo(
                Fault.AUTHENTICATION,
                f"the answer to {self.hello} offers neither AUTH PLAIN nor LOGIN; "
                "many servers do so inside TLS alone",
            )
        expect(talk, 235, "the answer to the login", _REFUSED)


def address_literal(address: str) -> str:
    """Return `address` as RFC 5321 section 4.1.3 writes it.

    Servers refuse bare names such as `localhost`, but must accept the literal of the client.
    """
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
