"""One HTTP POST through urllib that ends on time, follows nothing and reads only so much."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, cast

from mailwatch.core.deadline import Deadline
from mailwatch.net.answer import LONGEST_ANSWER, Answer


def post(url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
    """Send `body` to `url` (http or https) and return the answer, whatever its status.

    A redirect is an answer like any other: urllib would follow it, turn the POST into a GET
    and hand every header to the new host. Proxies of the environment are not used. A server that
    drips cannot stretch the time; only the resolver can, which has limits of its own
    (resolv.conf(5): by default 10 s for each name server).

    Raises OSError (DeadlineExpired, ssl.SSLError, socket.gaierror and URLError are some),
    http.client.HTTPException or ValueError. Their texts may quote `headers`.
    """
    opener = urllib.request.OpenerDirector()
    opener.add_handler(_Handler(deadline))
    request = urllib.request.Request(url, body, dict(headers), method="POST")  # noqa: S310
    response = opener.open(request, timeout=deadline.remaining())
    if response is None:
        raise ValueError("neither http nor https")
    with cast(http.client.HTTPResponse, response) as answer:
        said = answer.read(LONGEST_ANSWER + 1)
        # Asked for at most so many bytes, http.client does not mind an answer that ends early.
        if answer.length and len(said) <= LONGEST_ANSWER:
            raise http.client.IncompleteRead(said, answer.length)
        return Answer(answer.status, said, answer.headers.get("Location", ""))


class _Timed:
    """A socket that gets what is left of `deadline` as its timeout before every call."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.remaining())  # type: ignore[attr-defined]  # a mixin
        return cast(int, super().recv_into(*args, **kwargs))  # type: ignore[misc]  # a mixin

    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.remaining())  # type: ignore[attr-defined]  # a mixin
        return cast(int, super().send(*args, **kwargs))  # type: ignore[misc]  # a mixin


class _TimedSocket(_Timed, socket.socket):
    """Plain; `sendall` needs no override, as its timeout is for the whole."""


class _TimedTls(_Timed, ssl.SSLSocket):
    """TLS; the handshake's timeout is for the whole, and `sendall` is made of `send`."""


def _dial(address: tuple[str, int], deadline: Deadline) -> _TimedSocket:
    """Connect to the first address of a name that answers, all within `deadline`.

    Each has an equal share of the time that is left, for one of them may swallow all that we send.
    """
    last: OSError = OSError("the name has no address")
    places = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _, place) in enumerate(places):
        dialled = _TimedSocket(family, kind, protocol)
        dialled.deadline = deadline
        try:
            dialled.settimeout(deadline.remaining() / (len(places) - number))
            dialled.connect(place)
        except OSError as error:
            dialled.close()
            last = error
        else:
            # The TLS handshake takes this over as its timeout.
            dialled.settimeout(deadline.remaining())
            return dialled
    raise last


class _Handler(urllib.request.AbstractHTTPHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_bounded(http.client.HTTPConnection, self._deadline), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        class Bound(_TimedTls):
            deadline = self._deadline

        tls = ssl.create_default_context()
        tls.sslsocket_class = Bound
        return self.do_open(_bounded(http.client.HTTPSConnection, self._deadline), req, context=tls)


def _bounded(
    kind: Callable[..., http.client.HTTPConnection], deadline: Deadline
) -> Callable[..., http.client.HTTPConnection]:
    def connection(*args: Any, **kwargs: Any) -> http.client.HTTPConnection:
        made = kind(*args, **kwargs)
        # The one place where http.client makes its socket (Python 3.5 to 3.14); the tests with a
        # dripping server fail where it is renamed.
        made._create_connection = (  # type: ignore[attr-defined]
            lambda address, *_: _dial(address, deadline)
        )
        return made

    return connection
