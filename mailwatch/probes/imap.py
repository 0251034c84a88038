"""IMAP and IMAPS: greeting, CAPABILITY, LOGOUT (RFC 9051, RFC 3501)."""

from __future__ import annotations

import re
from typing import TypeAlias

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.net.blame import fault_of_no
from mailwatch.net.conversation import MAX_LINE, Conversation
from mailwatch.net.dialogue import GREETING, LOGIN, MAX_LINES, answer_to, refused, too_many_lines
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import in_its_own_time, plain, quoted, require_privacy
from mailwatch.probes.probe import Probe

_LITERALS = 4
"""Of one response; servers send one of each message."""
_LITERAL = re.compile(rb"\{([0-9]{1,6})\}$")
_STATUSES = (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH")
"""What begins a line that ends in words for a person, where a brace is a brace."""

_OFFERS = answer_to("CAPABILITY")

Response: TypeAlias = tuple[bytes, list[bytes]]
"""One response and its literals, which could hold anything, apart from each other."""


class Goodbye(ConversationError):
    """The server said BYE where nobody had asked for it, and closes (RFC 9051 section 7.1.5)."""


class ImapProbe(Probe):
    """Says CAPABILITY and LOGOUT, between them STARTTLS and a login where that is asked for.

    After a login comes a NOOP, for it takes a session that works.
    """

    protocol = "imap"
    last_word = "a9 LOGOUT"

    def converse(self, talk: Conversation) -> Steps[None]:
        """Hear `* OK` or `* PREAUTH`, ask for the capabilities and hear them."""
        greeting = yield from talk.line(GREETING)
        words = _words(greeting)
        if words[:2] not in ([b"*", b"OK"], [b"*", b"PREAUTH"]):
            # With BYE the server refuses the connection (RFC 9051 section 7.1.5).
            fault = Fault.PROTOCOL
            if words[:2] == [b"*", b"BYE"]:
                fault = _fault_of(words, Fault.REJECTED) or fault
            wanted = fact("imap-greeting-words")
            raise ConversationError(fault, refused(GREETING, greeting, wanted, "answer-wrong"))
        offers = yield from _capabilities(talk, "a1")
        if self.settings.tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in offers:
                raise SaidNo.of(Fault.PROTOCOL, "not-offered", awaited=_OFFERS, wanted="STARTTLS")
            yield from ask(talk, "a2", "STARTTLS")
            yield from talk.secure()
            offers = yield from _capabilities(talk, "a3")
        if talk.settings.login and words[1] == b"OK":
            yield from in_its_own_time(talk, _log_in(talk, "a4", talk.settings.login, offers))
            # Dovecot lets in whose mailbox it cannot open, and then says BYE.
            yield from ask(talk, "a5", "NOOP")


PROBE = ImapProbe


def _capabilities(talk: Conversation, tag: str) -> Steps[set[bytes]]:
    untagged = yield from ask(talk, tag, "CAPABILITY")
    offers = {word for words in untagged if words[1:2] == [b"CAPABILITY"] for word in words[2:]}
    if not offers & {b"IMAP4REV1", b"IMAP4REV2"}:
        raise SaidNo.of(Fault.PROTOCOL, "imap-unnamed")
    return offers


def _log_in(talk: Conversation, tag: str, login: Login, offers: set[bytes]) -> Steps[None]:
    require_privacy(talk)
    if b"AUTH=PLAIN" in offers:
        talk.say(f"{tag} AUTHENTICATE PLAIN")
        yield from hear(talk, tag, answer_to("AUTHENTICATE"), "+", Fault.AUTHENTICATION)
        talk.say(plain(login))
    elif b"LOGINDISABLED" not in offers:
        talk.say(f"{tag} LOGIN {quoted(login.user)} {quoted(login.password.reveal())}")
    else:
        told = fact("login-not-offered", awaited=_OFFERS, wanted="AUTH=PLAIN")
        raise SaidNo(Fault.AUTHENTICATION, told)
    yield from hear(talk, tag, LOGIN, fault=Fault.AUTHENTICATION)


def ask(
    talk: Conversation,
    tag: str,
    command: str,
    fault: Fault = Fault.PROTOCOL,
    most: int = MAX_LINES,
) -> Steps[list[list[bytes]]]:
    """Say one command; return the words of the untagged lines that come before its tagged OK.

    Raises Goodbye, and SaidNo where that is a NO or BAD (as `blame.fault_of_no` has it for
    `fault`; a BAD blames nobody but in a login).
    """
    talk.say(f"{tag} {command}")
    untagged = yield from hear(talk, tag, answer_to(command), fault=fault, most=most)
    return [_words(line) for line, _ in untagged]


def hear(
    talk: Conversation,
    tag: str,
    awaited: Fact,
    wanted: str = "",
    fault: Fault = Fault.PROTOCOL,
    most: int = MAX_LINES,
) -> Steps[list[Response]]:
    """Return the untagged responses before `wanted`, by default the tagged OK; raises as `ask`.

    More than `most` of them are a fault.
    """
    wanted = wanted or f"{tag} OK"
    end = _words(wanted.encode("ascii"))
    untagged: list[Response] = []
    while len(untagged) < most:
        line, literals = yield from _response(talk, awaited)
        words = _words(line)
        if words[: len(end)] == end:
            return untagged
        if words[0] != b"*" or words[1:2] == [b"BYE"]:
            raise _refusal(line, tag, awaited, wanted, fault)
        untagged.append((line, literals))
    raise too_many_lines(awaited, most)


def _response(talk: Conversation, awaited: Fact) -> Steps[Response]:
    line = yield from talk.line(awaited)
    literals: list[bytes] = []
    # What follows the + of a continuation is base64 or for a person, too (section 7.6 there).
    if line.startswith(b"+") or b"".join(_words(line)[1:2]) in _STATUSES:
        return line, literals
    while literal := _LITERAL.search(line):
        size = int(literal[1])
        if size > MAX_LINE or len(literals) == _LITERALS:
            raise ConversationError.of(Fault.PROTOCOL, "answer-too-long", awaited=awaited)
        literals.append((yield from talk.exactly(size, awaited)))
        line = line[: literal.start()] + (yield from talk.line(awaited))
    return line, literals


def _refusal(line: bytes, tag: str, awaited: Fact, wanted: str, fault: Fault) -> ConversationError:
    """Return the error that `line` is, in place of `wanted`; see `ask`."""
    words = _words(line)
    what = refused(awaited, line, wanted, "imap-answer-refuses")
    at_login = fault is Fault.AUTHENTICATION
    if words[:2] == [b"*", b"BYE"]:
        step, nobody = (fault, Fault.RESET) if at_login else (Fault.PROTOCOL, None)
        return Goodbye(_fault_of(words, step, nobody) or Fault.REJECTED, what)
    if words[:2] == _words(f"{tag} NO".encode("ascii")):
        return SaidNo(_fault_of(words, fault), what)
    if words[:2] == _words(f"{tag} BAD".encode("ascii")):
        return SaidNo(_fault_of(words, fault) if at_login else Fault.PROTOCOL, what)
    # Who has the whole login and says "+" wants more: a second factor, perhaps.
    wants_more = at_login and words[0] == b"+" != wanted.encode()
    return ConversationError(fault if wants_more else Fault.PROTOCOL, what)


def _fault_of(no: list[bytes], step: Fault, nobody: Fault | None = None) -> Fault | None:
    return fault_of_no(b" ".join(no[2:]), step, nobody)


def _words(line: bytes) -> list[bytes]:
    return line.upper().split(b" ")
