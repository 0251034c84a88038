"""One conversation with a server: lines said and lines heard, over TLS or not, on time.

What may have to wait is a generator, and called so: `line = yield from talk.line(GREETING)`. What
is said is on its way at once, so `say` is not one. `engine` tells how they are run.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from select import POLLIN, POLLOUT
from types import MappingProxyType

from mailwatch.core.address import is_loopback
from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault, Phase
from mailwatch.core.text import printable
from mailwatch.net import tls as openssl
from mailwatch.net.connection import Connection
from mailwatch.net.dialogue import GREETING
from mailwatch.net.endpoint import Endpoint, ProxyHeader, TlsMode
from mailwatch.net.engine import Steps
from mailwatch.net.errors import ConversationError, dropped, fault_of, reason_of
from mailwatch.net.expiry import Expiry, expiry_of
from mailwatch.net.hello import FirstMessage
from mailwatch.net.proxy import End, header
from mailwatch.net.resolver import RESOLVER, numeric

MAX_BYTES = 256 * 1024
"""What a peer may send in one conversation, TLS included; a healthy one sends under 10 KiB."""

MAX_LINE = 8192
"""Bytes of one line; SMTP allows 512 (RFC 5321 section 4.5.3.1.5), IMAP servers send about 1000."""

_CHUNK = 16 * 1024
_PARTING_S = 0.1
"""How long a peer may take to close after its last word."""

_LATE, _SILENT = (Fault.TIMEOUT, "peer-late"), (Fault.SILENT, "peer-silent")
_CONNECTION, _HANDSHAKE = fact("connection"), fact("tls-handshake")


class Conversation(Connection):
    """One connection, and everything that is said and heard over it, until one moment.

    Each method raises ConversationError alone. `until` is asked with every wait, so that a peer
    that drips cannot stretch it. `heard` says whether the peer has spoken at all, which tells
    SILENT from TIMEOUT and DROPPED from RESET.
    """

    def __init__(self, settings: Endpoint, deadline: Deadline) -> None:
        super().__init__(deadline)
        self.certificate: Expiry | None = None
        """How the chain of certificates ends, once one was seen."""
        self.heard = False
        self.spoke = False
        """Whether anything was sent."""
        self.first, self.first_in_tls = b"", False
        """The first words of the peer, and whether they came inside TLS."""
        self.settings = settings
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO  # once _shake_hands() has made both
        self._outgoing: ssl.MemoryBIO
        self._began = b""
        """How the peer began where TLS was due."""
        self._words = bytearray()
        """What has come and nobody has read."""
        self._unsent = b""
        self._received = 0
        self._awaited = _CONNECTION
        """What is being waited for, which ends up in the errors."""
        self._phases: dict[str, float] = {}
        self._phase: Phase | None = None
        self._since = self._clock()

    def open(self) -> Steps[None]:
        """Resolve the name, connect, and start TLS where it is implicit."""
        yield from self.reach()
        yield from self.introduce()

    def reach(self) -> Steps[None]:
        """Resolve the name and connect, and send nothing."""
        settings = self.settings
        self._enter(Phase.RESOLVE)
        if at_once := numeric(settings.host, settings.port):
            self._enter(Phase.CONNECT)
            yield from self._connect(at_once)
        else:
            deadline = Deadline(self.until, self._clock)
            addresses = yield from RESOLVER.resolve(settings.host, settings.port, deadline)
            self._enter(Phase.CONNECT)
            yield from self.connect(addresses)

    def introduce(self) -> Steps[None]:
        """Say who we are, and start TLS where it is implicit."""
        settings = self.settings
        if settings.proxy is not ProxyHeader.NONE:
            self.send(header(settings.proxy, self.own, self._peer))
        if settings.tls is TlsMode.IMPLICIT:
            yield from self._shake_hands()
            self.heard = False  # TLS has answered, the service itself not yet
        self._enter(Phase.GREETING)

    def secure(self) -> Steps[None]:
        """Start TLS in the middle of the conversation, now that the peer has agreed to it."""
        if self._words:
            # Plain text that would be taken for an answer inside TLS (CVE-2021-38371 and kin).
            said = printable(bytes(self._words))
            raise ConversationError.of(Fault.PROTOCOL, "answer-before-tls", said=said)
        yield from self._shake_hands()
        self._enter(Phase.DIALOGUE)

    def _shake_hands(self) -> Steps[None]:
        """Become TLS, with no session kept: each check proves a full handshake."""
        self._enter(Phase.TLS)
        self._awaited = _HANDSHAKE
        context = yield from openssl.context_for(self.settings, Deadline(self.until, self._clock))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = openssl.wrapped(context, self._incoming, self._outgoing, self.settings.asked_name)
        first = FirstMessage()
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._transmit(self._outgoing.read())
            except ssl.SSLError as error:
                raise self._failed(error, tls) from None
            else:
                break
            data = yield from self._more(None)
            if not data:
                raise self._ended("peer-closed")
            self._began = (self._began + data)[:100]
            if not openssl.is_record(self._began):
                self._note_first(data)
            if first.wants_finite_field(data):
                raise ConversationError.of(Fault.TLS, "tls-finite-field")
            self._incoming.write(data)
            self.heard = True
        self._tls = tls
        self._transmit(self._outgoing.read())
        self.certificate = expiry_of(openssl.served_chain(tls))
        openssl.require_pin(tls, self.settings.fingerprint)

    def overhear(self, within_s: float) -> Steps[bytes]:
        """Return what the peer says unasked within `within_s` seconds, b"" where that is nothing.

        That is a line, in however many pieces, or as much of it as has come by then. It is still to
        be read, and the rest of the conversation keeps all the time that it has. It counts towards
        no phase: the wait is ours.
        """
        self._enter(None)
        left_s, self._awaited = self.until - self._clock(), GREETING
        self.until, words = self._clock() + within_s, self._words
        try:
            while b"\n" not in words and len(words) <= MAX_LINE:
                data = yield from self._more(self._tls)
                if not data:
                    break
                words += data
        except ConversationError as error:
            if error.fault is not Fault.SILENT:
                raise
            return bytes(words)
        finally:
            self.until = self._clock() + left_s
            self.heard = self.heard or bool(words)
        if not words:
            raise self._ended("peer-closed")
        return bytes(words)

    def say(self, text: str) -> None:
        """Send one line, `text` and CRLF, and so start the dialogue.

        Raises ValueError where `text` has a line break: it would be two commands.
        """
        if "\r" in text or "\n" in text:
            raise ValueError("one line at a time")
        self._enter(Phase.DIALOGUE)
        self.send(text.encode() + b"\r\n")

    def send(self, data: bytes) -> None:
        """Send `data` as it is; what the peer does not take yet goes with the next wait."""
        if self._tls:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise self._failed(error, self._tls) from None
            data = self._outgoing.read()
        self._transmit(data)

    def line(self, awaited: Fact, at_most: int = MAX_LINE) -> Steps[bytes]:
        """Return the next line of at most `at_most` bytes, without its LF or CRLF."""
        words, searched = self._words, 0
        self._awaited = awaited
        while (end := words.find(b"\n", searched)) < 0:
            searched = len(words)
            if searched > at_most:
                break
            data = yield from self._more(self._tls)
            if not data and words:
                raise self._odd(Fault.RESET, "peer-closed-after")
            if not data:
                raise self._ended("peer-closed")
            self.heard = True
            words += data
        if not 0 <= end <= at_most:
            raise self._odd(Fault.PROTOCOL, "answer-endless")
        line = bytes(words[:end])
        del words[: end + 1]
        return line.removesuffix(b"\r")

    def some(self, at_most: int, awaited: Fact) -> Steps[bytes]:
        """Return the next bytes, at most `at_most` (>= 1) and at least one; b"" at the end."""
        self._awaited = awaited
        if not self._words:
            self._words += yield from self._more(self._tls)
        data = bytes(self._words[:at_most])
        del self._words[:at_most]
        return data

    def exactly(self, size: int, awaited: Fact) -> Steps[bytes]:
        """Return the next `size` (>= 0) bytes."""
        data = b""
        while len(data) < size:
            more = yield from self.some(size - len(data), awaited)
            if not more:
                raise ConversationError.of(Fault.RESET, "peer-closed-within", awaited=awaited)
            data += more
        return data

    def skip(self, at_most: int) -> Steps[None]:
        """Hear `at_most` bytes that matter to nobody, as long as they come soon; raises nothing."""
        self._enter(Phase.DIALOGUE)
        until = self.until
        self.hurry(_PARTING_S)
        with suppress(ConversationError):
            yield from self.exactly(at_most, self._awaited)
        self.until = until
        self._words.clear()

    def require_quiet(self, after: Fact) -> None:
        """Raise where more has come than was asked for: who recites may have hung since."""
        if self._words:
            self._awaited = after
            raise self._odd(Fault.PROTOCOL, "answer-unasked")

    @property
    def within_line(self) -> bool:
        """Whether a part of a line has come whose end has not."""
        return bool(self._words)

    @property
    def private(self) -> bool:
        """Whether nobody can listen in: inside TLS, or without ever leaving this host."""
        return self._tls is not None or is_loopback(self._peer[0])

    @property
    def own(self) -> End:
        """The numeric address and the port of our side of the connection."""
        try:
            address, port, *_ = self._sock.getsockname()
        except OSError as error:
            raise self._broken(error) from None
        return str(address), int(port)

    def part(self) -> Steps[None]:
        """Close as a polite peer does, after the last word; raises nothing.

        To close with bytes unread sends a reset (RFC 1122 section 4.2.2.13), which a server logs
        as an error. So hear the peer out until it closes too, but not for long.
        """
        self._enter(None)
        with suppress(OSError, ConversationError):
            if self._tls:
                with suppress(ssl.SSLError):
                    self._tls.unwrap()  # writes our close_notify (RFC 8446 section 6.1)
                self._transmit(self._outgoing.read())
            self._sock.shutdown(socket.SHUT_WR)
            self.hurry(_PARTING_S)
            while (yield from self._more(None)):
                pass

    def close(self) -> None:
        """Let go of the connection, at once and whatever happened; raises nothing."""
        self._enter(None)
        self._let_go()

    def phases(self) -> Mapping[str, float]:
        """Return the seconds of each phase that was reached, the last one last."""
        phase = self._phase
        self._enter(None)
        self._enter(phase)
        return MappingProxyType(dict(self._phases))

    def _enter(self, phase: Phase | None) -> None:
        before, self._phase = self._phase, phase
        if before is phase:
            return
        now = self._clock()
        if before:
            self._phases[before] = self._phases.pop(before, 0.0) + now - self._since
        self._since = now

    def _note_first(self, data: bytes) -> bytes:
        """Add `data` to the first words, a line that may come in pieces, and return it."""
        in_tls = self._tls is not None
        if not self.first:
            self.first_in_tls = in_tls
        if self.first_in_tls is in_tls and b"\n" not in self.first:
            self.first = (self.first + data)[:100]
        return data

    def _more(self, tls: ssl.SSLObject | None) -> Steps[bytes]:
        """Return the next bytes of what the peer says, b"" at the end of it.

        Without `tls` they are those of the connection. One chunk at a time, so that a flood of
        empty records cannot outlast the deadline.
        """
        while True:
            if tls and self._incoming.pending:
                try:
                    return self._note_first(tls.read(_CHUNK))
                except ssl.SSLWantReadError:
                    pass
                except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                    return b""
                except ssl.SSLError as error:
                    raise self._failed(error, tls) from None
                if self._outgoing.pending:
                    self._transmit(self._outgoing.read())
            self.wants = POLLIN | POLLOUT if self._unsent else POLLIN
            try:
                if not (yield self):
                    raise self._error(*(_LATE if self.heard else _SILENT))
                if self._unsent:
                    self._transmit(b"")
                data = self._sock.recv(_CHUNK)
            except BlockingIOError:  # a wake-up to send, or for nothing (select(2), BUGS)
                continue
            except OSError as error:
                raise self._broken(error) from None
            self._received += len(data)
            if self._received > MAX_BYTES:
                raise self._error(Fault.PROTOCOL, "peer-floods", limit_kib=MAX_BYTES // 1024)
            if not (tls and data):
                return self._note_first(data) if self._phase is not Phase.TLS else data
            self._incoming.write(data)

    def _transmit(self, data: bytes) -> None:
        """Send what is unsent and `data`, as far as the peer takes it now."""
        data = self._unsent + data
        self.spoke = self.spoke or bool(data)
        try:
            count = self._sock.send(data) if data else 0
        except BlockingIOError:
            count = 0
        except OSError as error:
            raise self._broken(error) from None
        self._unsent = data[count:]

    def _ended(self, code: str) -> ConversationError:
        return self._error(Fault.RESET, code) if self.heard else dropped()

    def _broken(self, error: OSError) -> ConversationError:
        fault = fault_of(error)
        if fault is Fault.RESET:
            # HAProxy rejects with a reset, and a plain close() becomes one when what we sent lies
            # unread (RFC 2525 section 2.17).
            return self._ended("peer-reset")
        return ConversationError.of(fault, "connection-broke", why=reason_of(error))

    def _failed(self, error: ssl.SSLError, tls: ssl.SSLObject) -> ConversationError:
        with suppress(ConversationError):
            self._transmit(self._outgoing.read())  # an alert tells the peer why
        return openssl.failure(error, tls, self._began, self._awaited, self.settings)

    def _odd(self, fault: Fault, code: str) -> ConversationError:
        said = printable(bytes(self._words[:400]), 80)
        return ConversationError.of(fault, code, awaited=self._awaited, said=said)

    def _error(self, fault: Fault, code: str, **more: int) -> ConversationError:
        return ConversationError.of(fault, code, awaited=self._awaited, **more)
