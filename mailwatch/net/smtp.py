"""The client's half of SMTP, from the greeting to QUIT (RFC 5321, RFC 3207, RFC 4954, RFC 6409)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Phase
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import GREETING, LOGIN, answer_to, refused
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.net.logins import in_its_own_time, plain, require_privacy, wrapped
from mailwatch.net.replies import HalfReply, expect

_MORE = 334
"""The server waits for a further line of the login (RFC 4954 section 4)."""

_OLD_AUTH = re.compile(rb"^AUTH=")

_LONGEST_GREET_WAIT_S = 12.0
"""Twice what postscreen takes by default; who is silent for longer hangs behind it."""


class SmtpSession:
    """One session over a conversation that is open; each method raises ConversationError alone.

    `hello` is EHLO, or LHLO where LMTP is spoken (RFC 2033).
    """

    def __init__(self, talk: Conversation, hello: str = "EHLO") -> None:
        self._talk = talk
        self._hello = hello
        self._said: Sequence[bytes] = ()
        """The lines of the server's answer to the hello, but for the first."""
        self.sent = False
        """Whether a whole message was said: it may arrive, whatever the answer is."""
        self.accepted = False
        """Whether the server has taken the message."""

    def begin(self, tls: TlsMode, login: Login | None) -> Steps[None]:
        """Do all that comes before a message: hello, STARTTLS where `tls` is that, the login."""
        yield from self._greeted()
        yield from self._say_hello()
        if tls is TlsMode.STARTTLS:
            if b"STARTTLS" not in self._offers():
                hello = answer_to(self._hello)
                raise SaidNo.of(Fault.PROTOCOL, "not-offered", awaited=hello, wanted="STARTTLS")
            yield from self._ask("STARTTLS", 220)
            yield from self._talk.secure()
            yield from self._say_hello()
        if login:
            yield from in_its_own_time(self._talk, self._log_in(login))

    def submit(self, sender: str, recipients: Sequence[str], lines: Iterable[str]) -> Steps[None]:
        """Submit one message; `lines` are its header, an empty one and its text, without breaks.

        Once the server has said no, `code` of the error is its answer to the step that it refused.
        """
        talk = self._talk
        yield from self._ask(f"MAIL FROM:<{sender}>", 250)
        for recipient in recipients:
            # 251: the server forwards it (RFC 5321 section 3.4).
            yield from self._ask(f"RCPT TO:<{recipient}>", 250, also=251)
        yield from self._ask("DATA", 354)
        for line in lines:
            talk.say(f".{line}" if line.startswith(".") else line)  # RFC 5321 section 4.5.2
        self.sent = True
        talk.say(".")
        try:
            yield from expect(talk, 250, fact("answer-to-message"))
        except ConversationError as error:
            # With an answer it stays with us (RFC 5321 section 6.1), without one who knows.
            self.sent = not reply_code(error)
            raise
        self.accepted = True

    def _greeted(self) -> Steps[None]:
        """Hear 220; raises unmeasured where a postscreen(8) lets us wait for the end of it."""
        try:
            yield from expect(self._talk, 220, GREETING, Fault.REJECTED)
        except HalfReply as half:
            waited_s = self._talk.phases()[Phase.GREETING]
            if (half.code, half.lines) == (220, 1) and waited_s < _LONGEST_GREET_WAIT_S:
                raise ConversationError.of(None, "smtp-postscreen") from None
            raise

    def _say_hello(self) -> Steps[None]:
        """Say who asks, and keep what is on offer."""
        self._talk.say(f"{self._hello} {address_literal(self._talk.own[0])}")
        hello = answer_to(self._hello)
        _, (_, *self._said) = yield from expect(self._talk, 250, hello, Fault.REJECTED)

    def _offers(self) -> dict[bytes, list[bytes]]:
        """Return the extensions on offer, and what each says of itself."""
        offers: dict[bytes, list[bytes]] = {}
        for line in self._said:
            # Some say AUTH once more in the form of before RFC 2554, or in that alone.
            first, *rest = _OLD_AUTH.sub(b"AUTH ", line.upper()).split() or [b""]
            offers.setdefault(first, []).extend(rest)
        return offers

    def _log_in(self, login: Login) -> Steps[None]:
        talk, mechanisms = self._talk, self._offers().get(b"AUTH", [])
        require_privacy(talk)
        if b"PLAIN" in mechanisms:
            talk.say(f"AUTH PLAIN {plain(login)}")
            code, texts = yield from self._logged_in()
            if code == _MORE and not any(text.strip() for text in texts):
                talk.say(plain(login))  # it does not take it with the command
                code, texts = yield from self._logged_in()
        elif b"LOGIN" in mechanisms:
            talk.say("AUTH LOGIN")
            yield from expect(talk, _MORE, answer_to("AUTH"), Fault.AUTHENTICATION)
            talk.say(wrapped(login.user))
            yield from expect(talk, _MORE, fact("answer-to-user"), Fault.AUTHENTICATION)
            talk.say(wrapped(login.password.reveal()))
            code, texts = yield from self._logged_in()
        else:
            told = fact("login-not-offered", awaited=answer_to(self._hello), wanted="AUTH PLAIN")
            raise SaidNo(Fault.AUTHENTICATION, told)
        if code == _MORE:
            # It has all that there is, and wants more: a second factor, perhaps.
            talk.say("*")
            with suppress(ConversationError):
                yield from expect(talk, 501, answer_to("*"))
            said = b" ".join([b"%d" % code, *texts])
            raise SaidNo(Fault.AUTHENTICATION, refused(LOGIN, said, 235), code)

    def _logged_in(self) -> Steps[tuple[int, list[bytes]]]:
        return (yield from expect(self._talk, 235, LOGIN, Fault.AUTHENTICATION, also=_MORE))

    def _ask(self, command: str, wanted: int, also: int | None = None) -> Steps[None]:
        self._talk.say(command)
        yield from expect(self._talk, wanted, answer_to(command.partition(" ")[0]), also=also)


def reply_code(error: ConversationError) -> int:
    """Return the code of the whole reply that `error` is, 0 where there was none."""
    return 0 if isinstance(error, HalfReply) else error.code


def address_literal(address: str) -> str:
    """Return `address` as RFC 5321 section 4.1.3 writes it.

    Servers refuse bare names such as `localhost`, but must accept the literal of the client.
    """
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
