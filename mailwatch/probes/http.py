"""HTTP and HTTPS: one request, and an answer that shows life (RFC 9110, RFC 9112)."""

from __future__ import annotations

from mailwatch import __version__
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.errors import SaidNo
from mailwatch.probes.http_response import MAX_BODY, Head, read_body, read_head
from mailwatch.probes.patterns import matches
from mailwatch.probes.probe import Probe
from mailwatch.probes.settings import ServiceSettings

_TURNED_AWAY = frozenset({403, 429})
"""Forbidden (RFC 9110 section 15.5.4) and Too Many Requests (RFC 6585 section 4)."""


class HttpProbe(Probe):
    """Asks once, by default for /, where any status below 500 shows that somebody is at home."""

    def converse(self, talk: Conversation) -> None:
        """Send the request, hear the answer, and compare it with the rules."""
        rules = self.settings.http
        talk.send(request(self.settings))
        head = read_head(talk)
        if rules.body and rules.method != "HEAD":
            body = read_body(talk, head)
        else:
            # We close after this response, so its framing, right or wrong, misleads nobody.
            talk.skip(MAX_BODY if head.length is None else min(head.length, MAX_BODY))
            body = b""
        if not any(first <= head.status <= last for first, last in rules.statuses):
            said, alive = printable(head.line), _ranges(rules.statuses)
            raise SaidNo(
                Fault.REJECTED if head.status in _TURNED_AWAY else Fault.STATUS,
                fact("http-status", said=said, statuses=alive),
            )
        for name, pattern in rules.headers:
            _require_field(head, name, pattern)
        if rules.body and not matches(rules.body, body):
            said, pattern = printable(body, 80), printable(rules.body, 80)
            raise SaidNo(Fault.PROTOCOL, fact("http-body-differs", pattern=pattern, said=said))

    def farewell(self, talk: Conversation) -> None:
        """Leave without a word: `Connection: close` has already said it."""


def request(settings: ServiceSettings) -> bytes:
    """Return the whole request."""
    rules = settings.http
    lines = [
        f"{rules.method} {rules.path} HTTP/1.1",
        f"Host: {rules.host or host_field(settings)}",
        f"User-Agent: mailwatch/{__version__}",
        "Accept: */*",
        "Connection: close",
    ]
    if rules.forwarded_for:
        lines.append(f"X-Forwarded-For: {rules.forwarded_for}")
    return "\r\n".join([*lines, "", ""]).encode()


def host_field(settings: ServiceSettings) -> str:
    """Return the Host of `settings`, with the port where it is not the usual one."""
    name = settings.asked_name
    host = f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")
    usual = 443 if settings.tls is TlsMode.IMPLICIT else 80
    return host if settings.port == usual else f"{host}:{settings.port}"


def _ranges(statuses: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{first}-{last}" if first < last else f"{first}" for first, last in statuses)


def _require_field(head: Head, name: str, pattern: str) -> None:
    values = head.values(name)
    if any(matches(pattern, value) for value in values):
        return
    wanted = printable(pattern, 80)
    if not values:
        raise SaidNo(Fault.PROTOCOL, fact("http-field-missing", field=name, pattern=wanted))
    said = printable(b", ".join(values), 80)
    raise SaidNo(Fault.PROTOCOL, fact("http-field-differs", field=name, pattern=wanted, said=said))
