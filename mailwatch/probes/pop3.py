"""POP3 and POP3S: greeting, QUIT (RFC 1939, RFC 2449, RFC 2595)."""

from __future__ import annotations

from mailwatch.core.facts import Fact
from mailwatch.core.model import Fault
from mailwatch.net.blame import fault_of_no
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import GREETING, MAX_LINES, answer_to, refused, too_many_lines
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import in_its_own_time, require_privacy
from mailwatch.probes.probe import Probe

_OFFERS = answer_to("CAPA")


class Pop3Probe(Probe):
    """Says QUIT, and before that STLS and a login where that is asked for.

    After a login comes a NOOP, for it takes a session that works.
    """

    protocol = "pop3"
    last_word = "QUIT"

    def converse(self, talk: Conversation) -> Steps[None]:
        """Hear +OK."""
        yield from _expect_ok(talk, GREETING, Fault.REJECTED)
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STLS" not in (yield from _capabilities(talk)):
                raise SaidNo.of(Fault.PROTOCOL, "not-offered", awaited=_OFFERS, wanted="STLS")
            yield from _ask(talk, "STLS")
            yield from talk.secure()
        if talk.settings.login:
            yield from in_its_own_time(talk, _log_in(talk, talk.settings.login))
            yield from _use(talk)


PROBE = Pop3Probe


def _log_in(talk: Conversation, login: Login) -> Steps[None]:
    require_privacy(talk)
    yield from _ask(talk, "USER", login.user, Fault.AUTHENTICATION)
    yield from _ask(talk, "PASS", login.password.reveal(), Fault.AUTHENTICATION)


def _use(talk: Conversation) -> Steps[None]:
    """Hear an answer to NOOP (RFC 1939 section 5).

    Dovecot lets in whose mailbox it cannot open, and then closes. Who knows no NOOP says -ERR, and
    is well unless that blames the server itself.
    """
    try:
        yield from _ask(talk, "NOOP", fault=Fault.REJECTED)
    except SaidNo as no:
        if no.fault is not Fault.REJECTED:
            raise


def _capabilities(talk: Conversation) -> Steps[set[bytes]]:
    talk.say("CAPA")
    yield from _expect_ok(talk, _OFFERS, more=True)
    offers: set[bytes] = set()
    for _ in range(MAX_LINES):
        line = yield from talk.line(_OFFERS)
        if line == b".":
            talk.require_quiet(_OFFERS)
            return offers
        offers.add(line.split(b" ")[0].upper())
    raise too_many_lines(_OFFERS)


def _ask(
    talk: Conversation, verb: str, word: str = "", fault: Fault = Fault.PROTOCOL
) -> Steps[None]:
    talk.say(f"{verb} {word}" if word else verb)
    yield from _expect_ok(talk, answer_to(verb), fault)


def _expect_ok(
    talk: Conversation, awaited: Fact, fault: Fault = Fault.PROTOCOL, *, more: bool = False
) -> Steps[None]:
    """Read one line, and no other unless `more`.

    Raises SaidNo where it is -ERR, as `blame.fault_of_no` has it for `fault`.
    """
    line = yield from talk.line(awaited)
    word, _, text = line.partition(b" ")
    if word == b"+OK":
        if not more:
            talk.require_quiet(awaited)
        return
    what = refused(awaited, line, "+OK")
    if word == b"-ERR":
        raise SaidNo(fault_of_no(text, fault), what)
    raise ConversationError(Fault.PROTOCOL, what)
