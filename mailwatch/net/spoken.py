"""What a port speaks, by the first words of who listens there, and the mistake that shows in it."""

from __future__ import annotations

import re

from mailwatch.core.model import Fault
from mailwatch.net.endpoint import Endpoint, ProxyHeader, TlsMode
from mailwatch.net.errors import ConversationError

_NAMES = {
    "http": "HTTP",
    "imap": "IMAP",
    "lmtp": "LMTP",
    "pop3": "POP3",
    "sieve": "ManageSieve",
    "smtp": "SMTP",
}

MAIL = frozenset(_NAMES) - {"http"}
"""The protocols whose servers speak first."""

_LMTP, _SMTP = re.compile(rb"\bLMTP\b", re.IGNORECASE), re.compile(rb"\bE?SMTP\b", re.IGNORECASE)
_BEGINNINGS = (
    ("http", re.compile(rb"HTTP/1")),
    ("imap", re.compile(rb"\* (?:OK|PREAUTH)\b", re.IGNORECASE)),
    ("pop3", re.compile(rb"\+OK\b")),
    ("sieve", re.compile(rb'"[A-Z]{3,20}"', re.IGNORECASE)),
)


def spoken(first: bytes, asked: str) -> str:
    """Return the probe that speaks as a peer does whose words begin with `first`, "" for none.

    Only who welcomes us tells: a no may come in any form from who is at a limit. `asked` is the
    probe in use, which tells SMTP from LMTP where the greeting does not.
    """
    if re.match(rb"220[ -]", first):
        if _LMTP.search(first):
            return "lmtp"
        return "smtp" if asked != "lmtp" or _SMTP.search(first) else "lmtp"
    return next((name for name, begins in _BEGINNINGS if begins.match(first)), "")


def mistake(
    settings: Endpoint, asked: str, first: bytes, *, in_tls: bool
) -> ConversationError | None:
    """Return what is wrong with `settings`, and the lines to write, None where they fit `first`.

    `asked` is the probe in use, empty for one that speaks no protocol. `first` are the first words
    that came from the port, inside TLS or not.
    """
    speaks = spoken(first, asked)
    if not speaks:
        return None
    lines = [f'probe = "{speaks}"'] if asked not in ("", speaks) else []
    if in_tls != (settings.tls is TlsMode.IMPLICIT):
        lines.append(f'tls = "{TlsMode.IMPLICIT if in_tls else TlsMode.NONE}"')
    if not lines:
        return None
    told = "port-speaks-in-tls" if in_tls else "port-speaks-plainly"
    return ConversationError.of(Fault.RULE, told, spoken=_NAMES[speaks], lines=tuple(lines))


def unintroduced(settings: Endpoint, first: bytes) -> ConversationError | None:
    """Return the mistake that a PROXY header is for a port that welcomes us without one."""
    if settings.proxy is ProxyHeader.NONE or not spoken(first, ""):
        return None
    return ConversationError.of(Fault.RULE, "port-wants-no-proxy")


MISTAKES = frozenset(
    {
        "http-to-tls",
        "port-speaks-in-tls",
        "port-speaks-plainly",
        "port-speaks-tls",
        "port-wants-no-proxy",
    }
)
"""The codes of what shows that a port was asked for what it does not speak."""


def speaks_tls() -> ConversationError:
    """Return the mistake that a port which speaks TLS but no mail is asked plainly."""
    return ConversationError.of(Fault.RULE, "port-speaks-tls")
