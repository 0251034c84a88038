"""What the ways to log in have in common: where a password may go, and how it is worded there."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence

from mailwatch.core.facts import Fact, Value
from mailwatch.core.model import Fault
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo

_MASK = "***"
_TELLING = 4
"""Fewer letters than these occur anywhere, and to mask them would say so."""

_OWN = frozenset({"command", "protocol", "wanted"})
"""The arguments that are never the peer's, where they are of one word."""


class Unanswered(ConversationError):
    """The login was neither taken nor refused: TIMEOUT, or RESET where the peer closed upon it."""


def in_its_own_time(talk: Conversation, login: Steps[None]) -> Steps[None]:
    """Hold the dialogue of a `login` in its own time beside that of the conversation.

    Servers put off their noes, and Dovecot every answer: it makes all who share an address at which
    somebody guesses passwords wait for up to 16.5 s.

    Raises Unanswered where no answer comes.
    """
    try:
        yield from talk.beside(talk.settings.login_timeout_s, login)
    except ConversationError as error:
        if error.fault not in (Fault.TIMEOUT, Fault.RESET):
            raise
        raise Unanswered(error.fault, error.detail) from None


def require_privacy(talk: Conversation) -> None:
    """Raise SaidNo, unmeasured, where a password would cross a network in plain text."""
    if not talk.private:
        raise SaidNo.of(None, "login-not-private")


def plain(login: Login) -> str:
    """Return the one message of SASL PLAIN (RFC 4616) in base64."""
    return wrapped(f"\0{login.user}\0{login.password.reveal()}")


def wrapped(text: str) -> str:
    """Return `text` as UTF-8 in base64."""
    return b64encode(text.encode()).decode("ascii")


def quoted(text: str) -> str:
    """Return `text` as a quoted string of IMAP (RFC 9051 section 4.3)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def masked(detail: Fact, login: Login) -> Fact:
    """Return `detail` without the password, in any of the forms in which it is sent.

    Some servers repeat the command that they do not like, perhaps in capitals or cut short. Our own
    words stay whole, or a password that is one would show.
    """
    password = login.password.reveal()
    forms = (plain(login), wrapped(password), quoted(password)[1:-1], password)
    return _covered(detail, [form for form in forms if len(form) >= _TELLING])


def _covered(detail: Fact, forms: Sequence[str]) -> Fact:
    def cover(name: str, value: Value) -> Value:
        if isinstance(value, Fact):
            return _covered(value, forms)
        if isinstance(value, tuple):
            return tuple(cover(name, one) for one in value)
        if not isinstance(value, str) or (name in _OWN and " " not in value):
            return value
        return _without(forms, value)

    return Fact(detail.code, tuple((name, cover(name, value)) for name, value in detail.args))


def _without(forms: Sequence[str], text: str) -> str:
    for form in forms:
        text = re.sub(re.escape(form), _MASK, text, flags=re.IGNORECASE)
        for length in range(min(len(form), len(text)), _TELLING - 1, -1):
            start = form[:length]
            for end in ("...", "'"):
                text = text.replace(start + end, _MASK + end)
            if text.endswith(start):
                text = text.removesuffix(start) + _MASK
    return text
