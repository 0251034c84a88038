"""POP3 and POP3S: greeting, QUIT (RFC 1939, RFC 2449, RFC 2595)."""

from __future__ import annotations

from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.limits import names_limit
from mailwatch.net.logins import require_privacy
from mailwatch.probes.probe import Probe

MAX_LINES = 100
"""Of the answer to CAPA; servers send about ten."""

_TROUBLE = b"[SYS/"
"""Refusals that blame the server, not the credentials or the client (RFC 3206)."""

_BUSY = (b"[IN-USE]", b"[LOGIN-DELAY]")
"""Refusals that blame what others do with the account (RFC 2449 section 8)."""


class Pop3Probe(Probe):
    """Says QUIT, and before that STLS and a login where that is asked for."""

    def converse(self, talk: Conversation) -> None:
        """Hear +OK."""
        _expect_ok(talk, "the greeting", Fault.REJECTED)
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STLS" not in _capabilities(talk):
                raise SaidNo(Fault.PROTOCOL, "the answer to CAPA offers no STLS")
            talk.say("STLS")
            _expect_ok(talk, "the answer to STLS")
            talk.start_tls()
        if talk.login:
            _log_in(talk, talk.login)

    def farewell(self, talk: Conversation) -> None:
        """Say QUIT and hear +OK."""
        talk.say("QUIT")
        _expect_ok(talk, "the answer to QUIT")


def _capabilities(talk: Conversation) -> set[bytes]:
    talk.say("CAPA")
    _expect_ok(talk, "the answer to CAPA", more=True)
    offers: set[bytes] = set()
    for _ in range(MAX_LINES):
        line = talk.read_line("the answer to CAPA")
        if line == b".":
            talk.require_quiet("the answer to CAPA")
            return offers
        offers.add(line.split(b" ")[0].upper())
    raise ConversationError(Fault.PROTOCOL, f"the answer to CAPA has more than {MAX_LINES} lines")


def _log_in(talk: Conversation, login: Login) -> None:
    require_privacy(talk)
    talk.say(f"USER {login.user}")
    _expect_ok(talk, "the answer to USER", Fault.AUTHENTICATION)
    talk.say(f"PASS {login.password.reveal()}")
    _expect_ok(talk, "the answer to PASS", Fault.AUTHENTICATION)


def _expect_ok(
    talk: Conversation, awaiting: str, fault: Fault = Fault.PROTOCOL, *, more: bool = False
) -> None:
    """Read one line, and no other unless `more`.

    Raises SaidNo where it is -ERR: with `fault` unless it blames the server, and unmeasured where
    it says that the account is in use or at a limit.
    """
    line = talk.read_line(awaiting)
    word, _, text = line.partition(b" ")
    if word == b"+OK":
        if not more:
            talk.require_quiet(awaiting)
        return
    what = f"{awaiting} was '{printable(line)}', not +OK"
    if word == b"-ERR":
        code = text.upper()
        at_limit = names_limit(text)
        if code.startswith(_BUSY) or (at_limit and fault is not Fault.REJECTED):
            raise SaidNo(None, what)
        blames_itself = code.startswith(_TROUBLE) and not at_limit
        raise SaidNo(Fault.PROTOCOL if blames_itself else fault, what)
    raise ConversationError(Fault.PROTOCOL, what)
