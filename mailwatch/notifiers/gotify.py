"""Delivers messages to a Gotify server, version 2 or 3 (gotify.net/api-docs, POST /message)."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok, problem
from mailwatch.core.facts import Fact, Value, fact
from mailwatch.core.keys import Key, Kind, timeout, whole
from mailwatch.core.message import Message, Severity
from mailwatch.core.say import line
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.host.limits import limit_of
from mailwatch.net.answer import LONGEST_ANSWER, Answer
from mailwatch.net.errors import ConversationError
from mailwatch.notifiers.errors import DeliveryError

LONGEST_TITLE = 200
LONGEST_BODY = 4000
"""Characters; a longer text is slow to show on a phone, and a proxy may refuse it."""

_PRIORITIES = {Severity.CRITICAL: 10, Severity.URGENT: 8}
"""Gotify's highest, and the least at which its Android client still sounds and vibrates."""

_NO_MESSAGE = b"{}"
_TRY_AGAIN = frozenset({408, 425, 429})

_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "gotify-untrusted"),
    (ssl.SSLError, "gotify-no-tls"),
    (TimeoutError, "gotify-silent"),
    (ConnectionRefusedError, "gotify-absent"),
    (ConnectionError, "gotify-broke-off"),
    (OSError, "gotify-unreachable"),
)
"""What can keep an answer away, the more exact first, and the code of the sentence on it."""


@dataclass(frozen=True, slots=True)
class GotifySettings:
    """Where Gotify is: `url` is http or https, with the sub-path where it has one.

    `token` is that of an application. `timeout_s` (> 0) bounds one delivery. `priority` (0 to 10)
    is that of ordinary messages.
    """

    url: str
    token: Secret
    timeout_s: float = 10
    priority: int = 5
    table: str = "[gotify]"
    """Where its keys stand in the file, as advice names it."""


TITLE = "Gotify"
Settings = GotifySettings

KEYS = (
    Key("url", Kind.URL, None,
        "Address of the Gotify server, with its sub-path if it has one. It may be "
        "https://push.example.org/gotify.", "GOTIFY_URL",
        required=True, flag="--gotify-url", example='"https://gotify.example.org"',
        shape=lambda url: None if url.endswith("/message") else url,
        rule="the address of the server without /message, which mailwatch adds"),
    Key("token", Kind.SECRET, None,
        "Token of the Gotify application that mailwatch sends as. Keep the file readable by root "
        "and the group mailwatch only, as it is installed.", "GOTIFY_TOKEN",
        required=True, flag="--gotify-token", source="the Gotify web page"),
    whole("priority", 5, 0, 10,
          "Priority of ordinary messages; a call for a person always has 10. Gotify's Android "
          "client shows 0 silently and 1 to 3 as an icon, sounds from 4 on, and vibrates from 8 "
          "on.", "GOTIFY_PRIORITY"),
    timeout("timeout_s", 10, "Time for one whole delivery."),
)  # fmt: skip


def describe(settings: GotifySettings) -> str:
    """Return where messages go, as the end of `tells ...`."""
    return line("gotify-at", where=_shown(settings.url))


def examine(settings: GotifySettings) -> Iterator[Diagnosis]:
    """Find out whether Gotify is there and takes the token of an application; nothing is sent."""
    try:
        GotifyNotifier(settings).try_token(Deadline.after(settings.timeout_s, time.monotonic))
    except DeliveryError as error:
        yield problem("found", what=error.detail)
    else:
        yield ok("gotify-well")


class GotifyNotifier:
    """Posts each message once; whether to try again is for the caller to decide.

    Gotify has no idempotency key: an answer that is lost on its way makes a message appear
    twice. Proxies from the environment are not used, for the token would go to a host that the
    configuration does not name.
    """

    def __init__(self, settings: GotifySettings) -> None:
        self._settings = settings

    def send(self, message: Message, deadline: Deadline) -> None:
        """Deliver `message` by `deadline` or within `timeout_s`, whichever is sooner.

        Raises DeliveryError.
        """
        answer = self._ask("/message", deadline, self._payload(message))
        if _refusal(answer) == 400 and self._is_clients(deadline):
            raise DeliveryError(self._told("gotify-clients-token"), permanent=True)
        self._check(answer)

    def try_token(self, deadline: Deadline) -> None:
        """Find out whether Gotify is there and takes the token, without sending a message.

        Gotify looks at the token first and at the message then, and answers 400 to a message
        without a text, since 2026 to a client's token, too, that cannot send: whose a token is,
        is asked on its own. Raises DeliveryError.
        """
        answer = self._ask("/message", deadline, _NO_MESSAGE)
        if _refusal(answer) != 400:
            self._check(answer)
        elif self._is_clients(deadline):
            raise DeliveryError(self._told("gotify-clients-token"), permanent=True)

    def _is_clients(self, deadline: Deadline) -> bool:
        """Whether the token is a client's: it alone opens what belongs to a user."""
        answer = self._ask("/current/user", deadline)
        return answer.status == 200 and _is_id(_json(answer.body))

    def _payload(self, message: Message) -> bytes:
        title = printable(message.title, LONGEST_TITLE)
        payload = {
            "title": title,
            "message": _cut(message.body) or title or "-",
            "priority": _PRIORITIES.get(message.severity, self._settings.priority),
            "extras": {"client::display": {"contentType": "text/plain"}},
        }
        return json.dumps(payload).encode()

    def _token(self) -> str:
        token = self._settings.token.reveal()
        if not token or not (token.isascii() and token.isprintable()):
            raise DeliveryError(self._told("gotify-bad-token"), permanent=True)
        return token

    def _ask(self, path: str, deadline: Deadline, body: bytes | None = None) -> Answer:
        """Post `body`, or get what stands at `path` where there is none."""
        # Loaded with the first message: a service whose mail flows does without these 2.5 MiB.
        from http.client import HTTPException

        from mailwatch.net.http_post import get, post

        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "mailwatch",
            "X-Gotify-Key": self._token(),
        }
        until = deadline.sooner(self._settings.timeout_s)
        try:
            endpoint = _bare(self._settings.url).rstrip("/") + path
            return (
                get(endpoint, headers, until)
                if body is None
                else post(endpoint, headers, body, until)
            )
        except (ConversationError, OSError, HTTPException, ValueError) as error:
            trouble = self._failure(error)
        raise trouble  # not above: the exceptions of http.client may quote the token

    def _failure(self, error: Exception) -> DeliveryError:
        """Say why there was no answer."""
        from http.client import HTTPException, InvalidURL
        from urllib.error import URLError

        if isinstance(error, URLError) and isinstance(error.reason, Exception):
            error = error.reason
        if isinstance(error, ConversationError):
            return DeliveryError(self._told("gotify-unresolved", said=error.detail))
        if isinstance(error, HTTPException) and not isinstance(error, InvalidURL):
            error = ConnectionError()
        if limit := limit_of(error):
            return DeliveryError(self._told("gotify-not-asked", why=limit))
        said = getattr(error, "strerror", None)
        if isinstance(error, ssl.SSLError):
            said = getattr(error, "verify_message", error.reason)
        for kind, code in _FAILURES:
            if isinstance(error, kind):
                said, limit_s = said or fact("gotify-no-reason"), self._settings.timeout_s
                return DeliveryError(self._told(code, said=said, limit_s=limit_s))
        return DeliveryError(self._told("gotify-bad-url"), permanent=True)

    def _check(self, answer: Answer) -> None:
        """Raise DeliveryError but for Gotify's yes: 200 and a JSON object with an integer id.

        Only a refusal in Gotify's own JSON is final: a reverse proxy answers in its place while
        it is updated, say, and not for long.
        """
        status, refusal = answer.status, _refusal(answer)
        said = self._quote(answer.body)
        if status == 200 and _is_id(_json(answer.body)):
            return
        if 300 <= status < 400:
            code, said = "gotify-redirects", self._scrubbed(answer.location, "gotify-no-address")
        elif not refusal:
            code = "gotify-other-asks" if status in (401, 403) else "gotify-other"
        elif status in _TRY_AGAIN or status >= 500:
            code = "gotify-busy"
        else:
            code = "gotify-token-refused" if status in (401, 403) else "gotify-refused"
        detail = self._told(code, status=status, said=said)
        raise DeliveryError(detail, permanent=code in ("gotify-token-refused", "gotify-refused"))

    def _told(self, code: str, **what: Value) -> Fact:
        where, table = _shown(self._settings.url), self._settings.table
        return fact(code, where=where, table=table, **what)

    def _quote(self, text: bytes) -> str | Fact:
        """Return the server's reason, or what kind of text it sent instead."""
        body = _json(text)
        reason = body.get("errorDescription") or body.get("error")
        if isinstance(reason, str):
            return self._scrubbed(reason, "gotify-answer-empty")
        if len(text) > LONGEST_ANSWER:
            return fact("gotify-answer-too-long")
        if text.lstrip().startswith(b"<"):
            return fact("gotify-answer-web-page")
        return self._scrubbed(text.decode("utf-8", "replace"), "gotify-answer-empty")

    def _scrubbed(self, text: str, nothing: str) -> str | Fact:
        """Make remote text printable, without the token in case that it comes back as an echo.

        The fact `nothing` stands for an empty one.
        """
        token = re.escape(self._settings.token.reveal())
        bare = re.sub(token, "***", text, flags=re.IGNORECASE).strip()
        return printable(bare, 120) or fact(nothing)


NOTIFIER = GotifyNotifier


def _bare(url: str) -> str:
    """Return `url` without user, password and query; raises ValueError where it is none."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("a URL without a host")
    _ = parts.port  # raises ValueError where it is not a port
    place = parts.netloc.rpartition("@")[2]
    return SplitResult(parts.scheme, place, parts.path, "", "").geturl()


def _shown(url: str) -> str | Fact:
    """Return `url` as it may be printed."""
    try:
        return printable(_bare(url))
    except ValueError:
        return fact("gotify-no-host")


def _cut(body: str) -> str:
    if len(body) <= LONGEST_BODY:
        return body
    head = body[: LONGEST_BODY - 60]
    return f"{head}\n[mailwatch cut {len(body) - len(head)} more characters here]"


def _json(body: bytes) -> dict[str, object]:
    if len(body) > LONGEST_ANSWER:
        return {}
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _is_id(body: dict[str, object]) -> bool:
    return type(body.get("id")) is int  # true is an int, too


def _refusal(answer: Answer) -> int:
    """Return the status of a refusal in Gotify's own JSON, and 0 for any other answer."""
    body = _json(answer.body)
    own = answer.status >= 400 and body.get("errorCode") == answer.status
    return answer.status if own and isinstance(body.get("error"), str) else 0
