"""HTTP and HTTPS: one request, and an answer that shows life (RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailwatch import __version__
from mailwatch.core import shapes
from mailwatch.core.keys import Key, Kind
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.probes.http_response import MAX_BODY, Head, read_body, read_head
from mailwatch.probes.probe import Probe
from mailwatch.probes.settings import ServiceSettings, options

_TURNED_AWAY = frozenset({403, 429})
"""Forbidden (RFC 9110 section 15.5.4) and Too Many Requests (RFC 6585 section 4)."""

_WANTS_TLS = re.compile(rb"\b(?:https(?!:)|ssl|tls)\b", re.IGNORECASE)
"""What the page of a 400 speaks of where a TLS port got plain HTTP: nginx's, Apache's, Go's."""

_TLS_ALERT = printable(b"\x15\x03")
"""How the answer of a TLS port begins that has no words for plain HTTP (RFC 8446 section 6)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an HTTP service is asked, and which answer shows life.

    `method` is GET or HEAD, `path` begins with a slash. `statuses` are the first and last of each
    range that is accepted, between 200 and 599. `headers` are pairs of a field's name and a
    pattern for its value, `body` is a pattern for the first `http.MAX_BODY` bytes; see
    `matches`. `host` is sent as Host, `forwarded_for` as X-Forwarded-For.
    """

    method: str = "GET"
    path: str = "/"
    statuses: tuple[tuple[int, int], ...] = ((200, 499),)
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    host: str | None = None
    forwarded_for: str | None = None


_NAME_OR_ADDRESS = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])"
_HOST_FIELD = _NAME_OR_ADDRESS + r"(?::[1-9][0-9]{0,4})?"
_ONE_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"

KEYS = (
    Key("http_method", Kind.CHOICE, "GET", "Method of the request.", choices=("GET", "HEAD"),
        field="method"),
    Key("http_path", Kind.TEXT, "/",
        "What is asked for: a path that begins with a slash, with a query if it needs one. "
        "Redirects are not followed.", field="path", pattern=r"/[!-\"$-~]*", example='"/healthz"',
        rule="a path that begins with / and has no blank and no #, such as /healthz"),
    Key("http_statuses", Kind.TEXT, "200-499",
        "Status codes that show life. They are codes and ranges from 200 to 599 with commas "
        "between them: 200-299,401. One from 500 on that is not among them is a failure of the "
        "kind `status`, which restarts by default; any other, like a field or a page that is not "
        "as it should be, is of the kind `rule`, which does not.",
        field="statuses", shape=shapes.statuses, example='"200-299,401"',
        rule='codes and ranges from 200 to 599, the lower end first, such as "200-299,401"'),
    Key("http_headers", Kind.TEXTS, None,
        "Fields that the answer must have, each written as `NAME: PATTERN`. The name is compared "
        "in any case, the pattern with its case, and it may stand anywhere in the value. An "
        "asterisk in a pattern stands for anything or nothing; no other character has a meaning of "
        "its own.",
        field="headers", shape=shapes.field,
        example='["Content-Type: text/html*utf-8", "Server: nginx"]',
        rule='a list of fields, each a name and what it holds, such as ["Server: nginx*"]'),
    Key("http_body", Kind.TEXT, None,
        "Pattern for the page, as in `http_headers`, which must be found near its beginning: in "
        "the first 64 KiB. It is looked for in UTF-8 and in Latin-1 (windows-1252).",
        field="body", pattern=_ONE_LINE, example='"<title>*Webmail"',
        rule='text of one line that the page holds, such as "Sign in"'),
    Key("http_host", Kind.TEXT, None,
        "Host of the request, with a port where it needs one, in place of `server_name` or `host`.",
        field="host", pattern=_HOST_FIELD, example='"mail.example.org"',
        rule="a host name (in its xn-- form if it has one), with a port where it needs one, such "
        "as mail.example.org:8443"),
    Key("http_forwarded_for", Kind.TEXT, None,
        "Address that X-Forwarded-For names as the client's. It has an effect only where the "
        "server trusts the address that mailwatch asks from.", field="forwarded_for",
        shape=shapes.address, rule="an IP address, such as 192.0.2.7", example='"192.0.2.7"'),
)  # fmt: skip


def judge(at: str, service: ServiceSettings, _given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give what the options contradict: the key, and the sentence on it."""
    rules = options(service, Settings)
    if rules.body and rules.method == "HEAD":
        yield (
            "http_body",
            f'{at}.http_body is set, but http_method = "HEAD" gets an answer without a page; '
            "remove one of them",
        )


class HttpProbe(Probe):
    """Asks once, by default for /, where any status below 500 shows that somebody is at home."""

    protocol = "http"

    def converse(self, talk: Conversation) -> Steps[None]:
        """Send the request, hear the answer, and compare it with the rules."""
        rules = options(self.settings, Settings)
        talk.send(request(self.settings))
        plain = self.settings.tls is TlsMode.NONE
        try:
            head = yield from read_head(talk)
        except ConversationError as error:
            said = str(error.detail.get("said"))
            if plain and said.startswith(_TLS_ALERT):
                raise ConversationError.of(Fault.RULE, "http-to-tls", said=said) from None
            raise
        page, trouble = b"", None
        if rules.method != "HEAD" and (rules.body or head.status == 400):
            try:
                page = yield from read_body(talk, head)
            except ConversationError as error:
                trouble = error
        else:
            # We close after this response, so its framing, right or wrong, misleads nobody.
            yield from talk.skip(MAX_BODY if head.length is None else min(head.length, MAX_BODY))
        if plain and _from_tls_port(head, page, self.settings.port):
            raise SaidNo.of(Fault.RULE, "http-to-tls", said=printable(head.line))
        if not any(first <= head.status <= last for first, last in rules.statuses):
            said, alive = printable(head.line), _ranges(rules.statuses)
            raise SaidNo.of(_fault_of(head.status), "http-status", said=said, statuses=alive)
        for name, pattern in rules.headers:
            _require_field(head, name, pattern)
        if rules.body and trouble:
            raise trouble
        if rules.body and not matches(rules.body, page):
            said, pattern = printable(page, 80), printable(rules.body, 80)
            raise SaidNo.of(Fault.RULE, "http-body-differs", pattern=pattern, said=said)


PROBE = HttpProbe


def _fault_of(status: int) -> Fault:
    """Return what it means that `status` is none of those that the admin wants."""
    if status in _TURNED_AWAY:
        return Fault.REJECTED
    return Fault.STATUS if status >= 500 else Fault.RULE


def _from_tls_port(head: Head, page: bytes, port: int) -> bool:
    """Whether a web server says by itself, whatever is behind it, that `port` is one of TLS.

    With a page, or as nginx does by `error_page 497`: it sends the client to the very same port.
    """
    if head.status == 400:
        return bool(_WANTS_TLS.search(page))
    for place in head.values("location"):
        try:
            parts = urlsplit(place.decode("ascii"))
            if parts.scheme == "https" and (parts.port or 443) == port:
                return True
        except ValueError:
            continue
    return False


def request(settings: ServiceSettings) -> bytes:
    """Return the whole request."""
    rules = options(settings, Settings)
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
    host = f"[{name}]" if ":" in name else name
    usual = 443 if settings.tls is TlsMode.IMPLICIT else 80
    return host if settings.port == usual else f"{host}:{settings.port}"


def matches(pattern: str, text: bytes) -> bool:
    """Return whether `pattern` occurs anywhere in `text`; a `*` stands for anything or nothing.

    It is compared with its case, as UTF-8 and as what browsers take Latin-1 for. A backtracking
    match of an innocent regular expression may take hours on text made for it, and no deadline can
    interrupt it.
    """
    for encoding in ("utf-8", "cp1252"):
        try:
            parts = pattern.encode(encoding).split(b"*")
        except UnicodeEncodeError:
            continue  # no text of that encoding holds it
        if _in_order(parts, text):
            return True
    return False


def _in_order(parts: Sequence[bytes], text: bytes) -> bool:
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _ranges(statuses: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{first}-{last}" if first < last else f"{first}" for first, last in statuses)


def _require_field(head: Head, name: str, pattern: str) -> None:
    values = head.values(name)
    if any(matches(pattern, value) for value in values):
        return
    wanted = printable(pattern, 80)
    if not values:
        raise SaidNo.of(Fault.RULE, "http-field-missing", field=name, pattern=wanted)
    said = printable(b", ".join(values), 80)
    raise SaidNo.of(Fault.RULE, "http-field-differs", field=name, pattern=wanted, said=said)
