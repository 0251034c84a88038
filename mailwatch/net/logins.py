"""What the ways to log in have in common: where a password may go, and how it is worded there."""

from __future__ import annotations

import re
from base64 import b64encode

from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Login
from mailwatch.net.errors import SaidNo

_MASK = "***"
_TELLING = 4
"""Fewer letters than these occur anywhere, and to mask them would say so."""


def require_privacy(talk: Conversation) -> None:
    """Raise SaidNo, unmeasured, where a password would cross a network in plain text."""
    if not talk.private:
        raise SaidNo(
            None,
            "the login was not sent, as the connection has no TLS and leaves this host: "
            "set tls for this service",
        )


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


def masked(detail: str, login: Login) -> str:
    """Return `detail` without the password, in any of the forms in which it is sent.

    Some servers repeat the command that they do not like, perhaps in capitals. A form that was cut
    short, at `...` or before the quote that ends the server's words, is masked too if it has four
    letters or more. A password that is a word of our own sentence shows by what is missing there.
    """
    password = login.password.reveal()
    forms = (plain(login), wrapped(password), quoted(password)[1:-1], password)
    for form in (form for form in forms if len(form) >= _TELLING):
        detail = re.sub(re.escape(form), _MASK, detail, flags=re.IGNORECASE)
        for length in range(min(len(form), len(detail)), _TELLING - 1, -1):
            for end in ("...", "'"):
                detail = detail.replace(form[:length] + end, _MASK + end)
    return detail
