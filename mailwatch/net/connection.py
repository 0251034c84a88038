"""One TCP connection to one of several addresses, and the time that is left for it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from select import POLLOUT

from mailwatch.core.deadline import Deadline
from mailwatch.net.engine import Steps, T, Wait
from mailwatch.net.errors import ConversationError, not_connected, reason_of
from mailwatch.net.proxy import End
from mailwatch.net.resolver import Address


class Connection(Wait):
    """Waits for its socket, until the moment that `deadline` names, or `hurry` or `allow` after."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(deadline.at)
        self._clock = deadline.clock
        self._sock: socket.socket  # once connect() has made it, as `fd` says
        self._peer: End = "", 0

    def connect(self, addresses: Sequence[Address]) -> Steps[None]:
        """Connect to the first of `addresses` (at least one) that accepts.

        Each has an equal share of the time that is left. Where none accepts, raises what the last
        one did that answered for itself, else the last one.
        """
        until, errors = self.until, []
        for number, address in enumerate(addresses):
            left_s = until - self._clock()
            self.until = until - left_s + left_s / (len(addresses) - number)
            try:
                yield from self._connect(address)
            except ConversationError as error:
                errors.append(error)
            else:
                self.until = until
                return
        raise ([error for error in errors if error.fault] or errors)[-1]

    def _connect(self, address: Address) -> Steps[None]:
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise ConversationError.of(None, "no-socket", why=reason_of(error)) from None
        self._sock, self._peer = sock, address.where[:2]
        self.fd, self.wants, self.watched = sock.fileno(), POLLOUT, 0
        try:
            # On this host the second call finds it done.
            number = sock.connect_ex(address.where) and sock.connect_ex(address.where)
            if number in (errno.EINPROGRESS, errno.EALREADY, errno.EINTR, errno.EAGAIN):
                came = yield self
                error_now = socket.SOL_SOCKET, socket.SO_ERROR
                number = sock.getsockopt(*error_now) if came else errno.ETIMEDOUT
            if number:
                raise OSError(number, "connect")  # noqa: TRY301  every failure ends alike
            # Else a short command after the TLS handshake waits for a delayed acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            self._let_go()
            raise not_connected(address.where, error) from None

    @property
    def left_s(self) -> float:
        """The seconds that are left, >= 0."""
        return max(0.0, self.until - self._clock())

    def hurry(self, within_s: float) -> None:
        """Give the rest of the conversation at most `within_s` seconds."""
        self.until = min(self.until, self._clock() + within_s)

    def allow(self, within_s: float) -> None:
        """Give the rest of the conversation `within_s` seconds, where it has less."""
        self.until = max(self.until, self._clock() + within_s)

    def beside(self, within_s: float, steps: Steps[T]) -> Steps[T]:
        """Hold `steps` in `within_s` seconds of their own; the rest keeps all that it has."""
        left_s = self.until - self._clock()
        self.until = self._clock() + max(left_s, within_s)
        try:
            return (yield from steps)
        finally:
            self.until = self._clock() + left_s

    def _let_go(self) -> None:
        if self.fd >= 0:
            self.fd = -1
            with suppress(OSError):
                self._sock.close()
