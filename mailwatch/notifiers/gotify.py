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
from mailwatch.core.keys import Key, Kind, timeout, whole
from mailwatch.core.message import Message, Severity
from mailwatch.core.secret import Secret
from mailwatch.core.text import duration, printable
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
    (ssl.SSLCertVerificationError,
     "The certificate of Gotify at {where} is not trusted ({said}): correct [gotify] url if the "
     "name is wrong, renew the certificate if it is old, or add its CA to this host with "
     "update-ca-certificates."),
    (ssl.SSLError,
     "TLS with Gotify at {where} failed ({said}): check that this port speaks TLS, and begin "
     "[gotify] url with http:// if it does not."),
    (TimeoutError,
     "Gotify at {where} did not answer within {limit}: check that it runs and that this host "
     "reaches it."),
    (socket.gaierror,
     "The name of Gotify's host in {where} could not be resolved ({said}): check [gotify] url and "
     "this host's DNS."),
    (ConnectionRefusedError,
     "Nothing listens at {where}: start Gotify, or correct [gotify] url."),
    (ConnectionError,
     "Gotify at {where} broke off its answer, or speaks no HTTP: check that [gotify] url names "
     "Gotify's port, and Gotify's own log."),
    (OSError,
     "Gotify at {where} cannot be reached ({said}): check this host's network."),
)  # fmt: skip
"""What can keep an answer away, the more exact first, and the sentence on it."""


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
    return f"{TITLE} at {_shown(settings.url)}"


def examine(settings: GotifySettings) -> Iterator[Diagnosis]:
    """Find out whether Gotify is there and takes the token; nothing is sent."""
    try:
        GotifyNotifier(settings).try_token(Deadline.after(settings.timeout_s, time.monotonic))
    except DeliveryError as error:
        yield problem(str(error))
    else:
        yield ok("Gotify answers and takes the token; --send also sends a message.")


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
            raise DeliveryError(
                "The Gotify token is empty or has characters that no token has: copy it anew from"
                " Gotify's Apps page into [gotify] token.",
                permanent=True,
            )
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
            return post(_endpoint(self._settings.url), headers, body, until)
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
        where, said = _shown(self._settings.url), getattr(error, "strerror", None)
        if isinstance(error, ssl.SSLError):
            said = getattr(error, "verify_message", error.reason)
        said, limit = printable(said or "no reason given"), duration(self._settings.timeout_s)
        for kind, sentence in _FAILURES:
            if isinstance(error, kind):
                return DeliveryError(sentence.format(where=where, said=said, limit=limit))
        return DeliveryError(
            f"[gotify] url is not the address of a web server ({where}): write it like"
            " https://gotify.example.org or http://192.0.2.1:8080/gotify.",
            permanent=True,
        )

    def _check(self, answer: Answer) -> None:
        """Raise DeliveryError but for Gotify's yes: 200 and a JSON object with an integer id."""
        where = _shown(self._settings.url)
        said = _json(answer.body)
        if answer.status == 200:
            identity = said.get("id")
            if isinstance(identity, int) and not isinstance(identity, bool):
                return
            raise DeliveryError(
                f"What answers at {where} is not Gotify ({self._quote(answer, said)}): check"
                " [gotify] url, above all its path and port.",
                permanent=True,
            )
        if answer.status in (401, 403):
            raise DeliveryError(
                f"Gotify at {where} refused the token ({answer.status}): put the token of an"
                " application (Gotify's Apps page; a client's token cannot send) into"
                " [gotify] token.",
                permanent=True,
            )
        if 300 <= answer.status < 400:
            target = self._scrubbed(answer.location) or "an address it does not name"
            raise DeliveryError(
                f"{where} redirects to {target} ({answer.status}), which is not followed so that"
                " no other host gets the token: if that is your Gotify, put its address into"
                " [gotify] url.",
                permanent=True,
            )
        if answer.status in _TRY_AGAIN or answer.status >= 500:
            raise DeliveryError(
                f"Gotify at {where} cannot take messages now ({answer.status}:"
                f" {self._quote(answer, said)}): if this lasts, read Gotify's own log."
            )
        raise DeliveryError(
            f"Gotify at {where} refused the message ({answer.status}:"
            f" {self._quote(answer, said)}): check [gotify] url, above all its path.",
            permanent=True,
        )

    def _quote(self, answer: Answer, said: dict[str, object]) -> str:
        """Return the server's reason, or what kind of text it sent instead."""
        reason = said.get("errorDescription") or said.get("error")
        if isinstance(reason, str):
            return self._scrubbed(reason)
        if len(answer.body) > LONGEST_ANSWER:
            return "its answer is longer than any of Gotify's"
        if answer.body.lstrip()[:1] == b"<":
            return "it answers with a web page"
        return self._scrubbed(answer.body.decode("utf-8", "replace")) or "it answers nothing"

    def _scrubbed(self, text: str) -> str:
        """Make remote text printable, without the token in case that it comes back as an echo."""
        return printable(text.replace(self._settings.token.reveal(), "***").strip(), 120)


NOTIFIER = GotifyNotifier


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/") + "/message"
    return SplitResult(parts.scheme, _place(parts), path, "", "").geturl()


def _place(parts: SplitResult) -> str:
    """Return host and port, without the password that a URL can hold before an `@`."""
    if not parts.hostname:
        raise ValueError("a URL without a host")
    _ = parts.port  # raises ValueError where it is not a port
    return parts.netloc.rpartition("@")[2]


def _shown(url: str) -> str:
    """Return `url` as it may be printed: without user, password and query."""
    try:
        parts = urlsplit(url)
        return printable(SplitResult(parts.scheme, _place(parts), parts.path, "", "").geturl())
    except ValueError:
        return "it has no host that can be understood"


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
