"""What the ways to log in have in common: where a password may go, and how PLAIN wraps it."""

from __future__ import annotations

from base64 import b64encode

from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import SaidNo
from mailwatch.probes.settings import Login


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
