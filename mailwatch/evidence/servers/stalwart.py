"""Stalwart's log: `TIME LEVEL Text (event.name) key = value, ...`, measured with 0.16.19."""

from __future__ import annotations

import re

from mailwatch.core.sentences import Sentences
from mailwatch.evidence.servers.catalogue import Signature

LOOKS_LIKE = re.compile(
    r"\b(?:ERROR|WARN|INFO|DEBUG|TRACE) [^()]{1,200} \([a-z0-9-]{1,40}\.[a-z0-9-]{1,60}\)"
)


def _event(name: str, key: str, value: str) -> re.Pattern[str]:
    """Return what finds `value` of `key` in an event; what a client said is no name of one."""
    return re.compile(rf'^[^()"]{{1,300}} \({re.escape(name)}\) (?:.{{0,300}}, )?{key} = {value}')


SIGNATURES = (
    # A banned address is accepted and closed at once, before TLS, on every port.
    Signature(
        "ban-by-stalwart",
        _event("security.ip-blocked", "remoteIp", r"(?P<address>[0-9A-Fa-f.:]{2,45})"),
        of_us=True,
    ),
    # A full listener accepts and closes; the others go on.
    Signature(
        "stalwart-listener-full",
        _event("limit.concurrent-connection", "listenerId", r'"?(?P<listener>[\w.-]{1,64})'),
    ),
)

SENTENCES: Sentences = {
    "ban-by-stalwart": "ban: Stalwart has banned {address}, as which it sees this host",
    "stalwart-listener-full": "Stalwart's listener {listener} is at its limit of connections",
}
