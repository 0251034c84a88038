"""Delivers messages to a Gotify server, version 2 or 3 (gotify.net/api-docs, POST /message)."""

from __future__ import annotations

import json
import socket
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
from mailwatch.net.answer import LONGEST_ANSWER, Answer
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
    (socket.gaierror, "gotify-unresolved"),
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
        required=True, flag="--gotify-url", example='"https://gotify.example.org"'),
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
    """Find out whether Gotify is there and takes the token; nothing is sent."""
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

        Looking up the server's name can outlast both by what resolv.conf(5) allows; a URL with
        an address in it cannot. Raises DeliveryError.
        """
        self._check(self._post(self._payload(message), deadline))

    def try_token(self, deadline: Deadline) -> None:
        """Find out whether Gotify is there and takes the token, without sending a message.

        Gotify looks at the token first and at the message then, so it answers 400 to a message
        without a text exactly where `send` would be accepted. Raises DeliveryError.
        """
        answer = self._post(_NO_MESSAGE, deadline)
        if answer.status != 400 or "errorDescription" not in _json(answer.body):
            self._check(answer)

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

    def _post(self, body: bytes, deadline: Deadline) -> Answer:
        # Loaded with the first message: a service whose mail flows does without these 2.5 MiB.
        from http.client import HTTPException

        from mailwatch.net.http_post import post

        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "mailwatch",
            "X-Gotify-Key": self._token(),
        }
        until = deadline.sooner(self._settings.timeout_s)
        try:
            endpoint = _bare(self._settings.url).rstrip("/") + "/message"
            return post(endpoint, headers, body, until)
        except (OSError, HTTPException, ValueError) as error:
            trouble = self._failure(error)
        raise trouble  # not above: the exceptions of http.client may quote the token

    def _failure(self, error: Exception) -> DeliveryError:
        """Say why there was no answer."""
        from http.client import HTTPException, InvalidURL
        from urllib.error import URLError

        if isinstance(error, URLError) and isinstance(error.reason, Exception):
            error = error.reason
        if isinstance(error, HTTPException) and not isinstance(error, InvalidURL):
            error = ConnectionError()
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

        Only Gotify's own no, in JSON, is for good: a proxy says anything while Gotify is updated.
        """
        status, body = answer.status, _json(answer.body)
        its_own = "error" in body or "errorDescription" in body
        said = self._quote(answer.body, body)
        if status == 200:
            if type(body.get("id")) is int:  # true is an int, too
                return
            code = "gotify-other"
        elif status in (401, 403) and its_own:
            code = "gotify-token-refused"
        elif 300 <= status < 400:
            code, said = "gotify-redirects", self._scrubbed(answer.location, "gotify-no-address")
        else:
            busy = status in _TRY_AGAIN or status >= 500
            code = "gotify-busy" if busy else "gotify-refused"
        detail = self._told(code, status=status, said=said)
        raise DeliveryError(detail, permanent=its_own and code != "gotify-busy")

    def _told(self, code: str, **what: Value) -> Fact:
        where, table = _shown(self._settings.url), self._settings.table
        return fact(code, where=where, table=table, **what)

    def _quote(self, text: bytes, body: dict[str, object]) -> str | Fact:
        """Return the server's reason, or what kind of text it sent instead."""
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
        bare = text.replace(self._settings.token.reveal(), "***").strip()
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
