"""ManageSieve: capabilities up to OK, LOGOUT (RFC 5804)."""

from __future__ import annotations

import re

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.net.blame import fault_of_no
from mailwatch.net.conversation import MAX_LINE, Conversation
from mailwatch.net.dialogue import GREETING, LOGIN, MAX_LINES, answer_to, refused, too_many_lines
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import in_its_own_time, plain, require_privacy
from mailwatch.probes.probe import Probe

_LITERALS = 4
"""Of one response, which has two strings at most."""
_LITERAL = re.compile(rb"\{([0-9]{1,6})\+?\}$")


class SieveProbe(Probe):
    """Says LOGOUT, and before that STARTTLS and a login where that is asked for."""

    protocol = "sieve"
    last_word = "LOGOUT"

    def converse(self, talk: Conversation) -> Steps[None]:
        """Hear the capabilities and the OK after them."""
        offers = yield from _capabilities(talk, GREETING, Fault.REJECTED)
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in offers:
                raise SaidNo.of(Fault.PROTOCOL, "not-offered", awaited=GREETING, wanted="STARTTLS")
            talk.say("STARTTLS")
            yield from _expect_ok(talk, answer_to("STARTTLS"))
            yield from talk.secure()
            # The server lists them anew, without being asked (RFC 5804 section 2.2).
            offers = yield from _capabilities(talk, fact("sieve-capabilities"))
        if talk.settings.login:
            yield from in_its_own_time(talk, _log_in(talk, talk.settings.login, offers))


PROBE = SieveProbe


def _log_in(talk: Conversation, login: Login, offers: dict[bytes, bytes]) -> Steps[None]:
    require_privacy(talk)
    if b"PLAIN" not in offers.get(b"SASL", b"").split():
        raise SaidNo.of(Fault.AUTHENTICATION, "sieve-login-not-offered")
    talk.say(f'AUTHENTICATE "PLAIN" "{plain(login)}"')
    yield from _expect_ok(talk, LOGIN, Fault.AUTHENTICATION)


def _capabilities(
    talk: Conversation, awaited: Fact, fault: Fault = Fault.PROTOCOL
) -> Steps[dict[bytes, bytes]]:
    """Return what is on offer, and what each offer says of itself."""
    offers = {}
    for line in (yield from _expect_ok(talk, awaited, fault)):
        # A quoted name, and for some a quoted value (RFC 5804 section 1.7).
        _, name, _, value, *_ = [*line.split(b'"'), b"", b"", b"", b""]
        offers[name.upper()] = value.upper()
    if b"IMPLEMENTATION" not in offers:
        raise SaidNo.of(Fault.PROTOCOL, "not-named", awaited=awaited, wanted="IMPLEMENTATION")
    return offers


def _expect_ok(
    talk: Conversation, awaited: Fact, fault: Fault = Fault.PROTOCOL
) -> Steps[list[bytes]]:
    """Return the quoted lines before the OK; raises SaidNo where it is a NO.

    Whom that blames, and a BYE, is as `blame.fault_of_no` has it for `fault`.
    """
    lines: list[bytes] = []
    at_login = fault is Fault.AUTHENTICATION
    while len(lines) < MAX_LINES:
        line = yield from _response(talk, awaited)
        word, _, text = line.partition(b" ")
        word = word.upper()
        if line.startswith(b'"'):
            if at_login:  # it has the whole login and wants more: a second factor, perhaps
                raise ConversationError(fault, refused(awaited, line, "OK"))
            lines.append(line)
            continue
        if word == b"OK":
            talk.require_quiet(awaited)
            return lines
        what = refused(awaited, line, "OK")
        if word == b"NO":
            raise SaidNo(fault_of_no(text, fault), what)
        if word != b"BYE":
            raise ConversationError(Fault.PROTOCOL, what)
        closed = fault_of_no(text, fault, Fault.RESET if at_login else fault)
        raise ConversationError(closed or Fault.REJECTED, what)
    raise too_many_lines(awaited)


def _response(talk: Conversation, awaited: Fact) -> Steps[bytes]:
    """Return one response in one line: strings that came as literals are quoted in it.

    RFC 5804 section 4 leaves the server the choice, and some word their errors so.
    """
    line = yield from talk.line(awaited)
    literals = 0
    while literal := _LITERAL.search(line):
        size = int(literal[1])
        literals += 1
        if len(line) + size > MAX_LINE or literals > _LITERALS:
            raise ConversationError.of(Fault.PROTOCOL, "answer-too-long", awaited=awaited)
        string = yield from talk.exactly(size, awaited)
        rest = yield from talk.line(awaited)
        line = b'%b"%b"%b' % (line[: literal.start()], string.replace(b'"', b"'"), rest)
    return line
