"""One TCP connection: bytes out and bytes in, each wait bounded by one absolute deadline."""

from __future__ import annotations

import errno
import math
import select
import socket
from collections.abc import Sequence
from contextlib import suppress

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.net.errors import ConversationError, fault_of, reason_of
from mailwatch.net.proxy import End
from mailwatch.net.resolver import Address

MAX_BYTES = 256 * 1024
"""What a peer may send in one conversation, TLS included; a healthy one sends under 10 KiB."""

CHUNK = 16 * 1024
_STILL_CONNECTING = {errno.EINPROGRESS, errno.EINTR, errno.EAGAIN}


class Wire:
    """A non-blocking socket that is polled for no longer than the deadline leaves.

    `awaited` is what is being waited for, and ends up in the errors. `heard` says whether the peer
    has spoken at all, which tells SILENT from TIMEOUT and DROPPED from RESET; whoever makes sense
    of the bytes sets it. `peer` is the numeric address and the port.
    """

    def __init__(self, sock: socket.socket, peer: End, deadline: Deadline) -> None:
        self._sock = sock
        self.peer = peer
        self._poll = select.poll()
        self._poll.register(sock)
        self.deadline = deadline
        self.awaited = fact("connection")
        self.heard = False
        self._received = 0

    def receive(self) -> bytes:
        """Return the next bytes, b"" at the end of the stream; raises ConversationError."""
        while True:
            self._wait(select.POLLIN)
            try:
                data = self._sock.recv(CHUNK)
            except BlockingIOError:  # a wake-up for nothing (select(2), BUGS)
                continue
            except OSError as error:
                raise self._broken(error) from None
            self._received += len(data)
            if self._received > MAX_BYTES:
                raise self._error(Fault.PROTOCOL, "peer-floods", limit_kib=MAX_BYTES // 1024)
            return data

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises ConversationError."""
        while data:
            try:
                count = self._sock.send(data)
            except BlockingIOError:
                self._wait(select.POLLOUT)
                continue
            except OSError as error:
                raise self._broken(error) from None
            data = data[count:]

    def ended(self) -> ConversationError:
        """Return the error that an end of the stream is, where something was still to come."""
        if self.heard:
            return self._error(Fault.RESET, "peer-closed")
        return _dropped()

    def part(self, within_s: float) -> None:
        """Say that no more will come, and hear the peer out until it closes too.

        To close with bytes unread sends a reset (RFC 1122 section 4.2.2.13), which a server logs
        as an error. Waits at most `within_s` seconds; raises nothing.
        """
        with suppress(OSError, ConversationError):
            self._sock.shutdown(socket.SHUT_WR)
            self.deadline = self.deadline.sooner(within_s)
            while self.receive():
                pass

    def close(self) -> None:
        """Close the socket; raises nothing."""
        with suppress(OSError):
            self._sock.close()

    @property
    def own(self) -> End:
        """The numeric address and the port of our side; raises ConversationError."""
        try:
            address, port, *_ = self._sock.getsockname()
        except OSError as error:
            raise self._broken(error) from None
        return str(address), int(port)

    def _wait(self, event: int) -> None:
        try:
            self._poll.modify(self._sock, event)
            # poll(2) counts in milliseconds: round up, never to a busy loop.
            while not self._poll.poll(math.ceil(self.deadline.remaining() * 1000)):
                pass
        except DeadlineExpired:
            if self.heard:
                raise self._error(Fault.TIMEOUT, "peer-late") from None
            raise self._error(Fault.SILENT, "peer-silent") from None

    def _broken(self, error: OSError) -> ConversationError:
        fault = fault_of(error)
        if fault is Fault.RESET:
            # HAProxy rejects with a reset, and a plain close() becomes one when what we sent lies
            # unread (RFC 2525 section 2.17).
            return self._error(fault, "peer-reset") if self.heard else _dropped()
        return ConversationError.of(fault, "connection-broke", why=reason_of(error))

    def _error(self, fault: Fault, code: str, **more: int) -> ConversationError:
        return ConversationError.of(fault, code, awaited=self.awaited, **more)


def connect(addresses: Sequence[Address], deadline: Deadline) -> Wire:
    """Connect to the first of `addresses` (at least one) that accepts.

    Each has an equal share of the time that is left. Where none accepts, raises the
    ConversationError of the last one that answered for itself, else of the last one.
    """
    errors: list[ConversationError] = []
    for number, address in enumerate(addresses):
        try:
            share = deadline.remaining() / (len(addresses) - number)
            sock = _connect_one(address, deadline.sooner(share))
        except DeadlineExpired:
            errors.append(_not_accepted(address))
            break
        except ConversationError as error:
            errors.append(error)
        else:
            return Wire(sock, address.where[:2], deadline)
    measured = [error for error in errors if error.fault]
    raise (measured or errors)[-1]


def _connect_one(address: Address, deadline: Deadline) -> socket.socket:
    try:
        sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise ConversationError.of(None, "no-socket", why=reason_of(error)) from None
    try:
        number = sock.connect_ex(address.where)
        if number in _STILL_CONNECTING:
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            while not poll.poll(math.ceil(deadline.remaining() * 1000)):
                pass
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "connect")  # noqa: TRY301  every failure ends alike
        # Else a short command after the TLS handshake waits for a delayed acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException as error:
        sock.close()
        if isinstance(error, DeadlineExpired):
            raise _not_accepted(address) from None
        if isinstance(error, OSError):
            raise _not_connected(address, error) from None
        raise
    return sock


def _not_accepted(address: Address) -> ConversationError:
    return _at(address, Fault.TIMEOUT, "not-accepted")


def _not_connected(address: Address, error: OSError) -> ConversationError:
    fault = fault_of(error)
    if fault is Fault.REFUSED:
        return _at(address, fault, "port-refused")
    if fault is Fault.TIMEOUT:
        return _not_accepted(address)
    if fault is Fault.RESET:  # only what was accepted can be: else it is refused
        return _dropped()
    return _at(address, fault, "not-connected", why=reason_of(error))


def _dropped() -> ConversationError:
    return ConversationError.of(Fault.DROPPED, "peer-dropped")


def _at(address: Address, fault: Fault | None, code: str, **more: Fact) -> ConversationError:
    host, port, *_ = address.where
    return ConversationError.of(fault, code, address=host, port=port, **more)
