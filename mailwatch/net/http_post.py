"""One HTTP request through urllib that ends on time, follows nothing and reads only so much."""

from __future__ import annotations

import errno
import http.client
import math
import os
import select
import socket
import ssl
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, zip_longest
from typing import Any, cast

from mailwatch.core.deadline import Deadline
from mailwatch.net.answer import LONGEST_ANSWER, Answer
from mailwatch.net.engine import run
from mailwatch.net.resolver import RESOLVER, Address

STAGGER_S = 0.25
"""The Connection Attempt Delay of RFC 8305 section 5."""

_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EINTR})


def post(url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline) -> Answer:
    """Send `body` to `url` (http or https) and return the answer, whatever its status.

    A redirect is an answer like any other: urllib would follow it, turn the POST into a GET
    and hand every header to the new host. Proxies of the environment are not used. Neither a
    server that drips nor a resolver that hangs can stretch the time.

    Raises ConversationError where the name gives no address, OSError (DeadlineExpired,
    ssl.SSLError and URLError are some), http.client.HTTPException or ValueError. Their texts may
    quote `headers`.
    """
    return _ask("POST", url, headers, body, deadline)


def get(url: str, headers: Mapping[str, str], deadline: Deadline) -> Answer:
    """Ask for `url`; all else is as with post()."""
    return _ask("GET", url, headers, None, deadline)


def _ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
) -> Answer:
    opener = urllib.request.OpenerDirector()
    opener.add_handler(_Handler(deadline))
    request = urllib.request.Request(url, body, dict(headers), method=method)  # noqa: S310
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
    """Connect to the first address of a name that accepts, all within `deadline`.

    As RFC 8305 has it, each address gets STAGGER_S before the next is tried beside it, and the
    kinds of address take turns: one whose packets vanish costs no more than that.
    """
    waiting = deque(_in_turns(run(RESOLVER.resolve(*address, deadline))))
    trying: dict[int, _TimedSocket] = {}
    poll = select.poll()
    last = OSError("the name has no address")
    try:
        while waiting or trying:
            if waiting:
                try:
                    begun = _begin(waiting.popleft(), deadline)
                except OSError as error:
                    last = error
                    continue
                trying[begun.fileno()] = begun
                poll.register(begun, select.POLLOUT)
            left_s = min(deadline.remaining(), STAGGER_S if waiting else math.inf)
            for fd, _ in poll.poll(math.ceil(1000 * left_s)):
                poll.unregister(fd)
                number = trying[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not number:
                    won = trying.pop(fd)
                    # The TLS handshake takes this over as its timeout.
                    won.settimeout(deadline.remaining())
                    return won
                trying.pop(fd).close()
                last = OSError(number, os.strerror(number))
    finally:
        for lost in trying.values():
            lost.close()
    raise last


def _in_turns(addresses: Iterable[Address]) -> Iterable[Address]:
    """Return `addresses` with their families in turns, that of the first one first."""
    families: dict[socket.AddressFamily, list[Address]] = {}
    for one in addresses:
        families.setdefault(one.family, []).append(one)
    return filter(None, chain.from_iterable(zip_longest(*families.values())))


def _begin(address: Address, deadline: Deadline) -> _TimedSocket:
    begun = _TimedSocket(address.family, socket.SOCK_STREAM)
    begun.deadline = deadline
    begun.setblocking(False)
    number = begun.connect_ex(address.where)
    if number not in _UNDER_WAY:
        begun.close()
        raise OSError(number, os.strerror(number))
    return begun


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
