"""One conversation with a server: lines said and lines heard, over TLS or not, on time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault, Phase
from mailwatch.core.text import printable
from mailwatch.net.endpoint import Endpoint, Login, ProxyHeader, TlsMode
from mailwatch.net.errors import ConversationError
from mailwatch.net.expiry import not_after
from mailwatch.net.proxy import header
from mailwatch.net.resolver import RESOLVER
from mailwatch.net.tls import Tls
from mailwatch.net.wire import Wire, connect

MAX_LINE = 8192
"""Bytes of one line; SMTP allows 512 (RFC 5321 section 4.5.3.1.5), IMAP servers send about 1000."""

_PARTING_S = 0.1
"""How long a peer may take to close after its last word."""


class Conversation:
    """Everything that a probe says and hears; each method raises ConversationError alone."""

    def __init__(self, settings: Endpoint, deadline: Deadline) -> None:
        self._settings = settings
        self._deadline = deadline
        self._wire: Wire | None = None
        self._stream: Wire | Tls | None = None
        self._heard = bytearray()
        self._phases: dict[str, float] = {}
        self._phase: Phase | None = None
        self._since = deadline.clock()
        self.certificate_expires: float | None = None
        """In seconds since 1970, once a certificate was seen."""

    def open(self) -> None:
        """Resolve the name, connect, and start TLS where it is implicit."""
        settings = self._settings
        self._enter(Phase.RESOLVE)
        addresses = RESOLVER.resolve(settings.host, settings.port, self._deadline)
        self._enter(Phase.CONNECT)
        self._stream = self._wire = wire = connect(addresses, self._deadline)
        if settings.proxy is not ProxyHeader.NONE:
            wire.send(header(settings.proxy, wire.own, wire.peer))
        if settings.tls is TlsMode.IMPLICIT:
            self._secure(wire)
            wire.heard = False  # TLS has answered, the service itself not yet
        self._enter(Phase.GREETING)

    def start_tls(self) -> None:
        """Start TLS in the middle of the conversation, now that the peer has agreed to it."""
        wire, _ = self._connected()
        if self._heard:
            # Plain text that would be taken for an answer inside TLS (CVE-2021-38371 and kin).
            said = printable(bytes(self._heard))
            raise ConversationError.of(Fault.PROTOCOL, "answer-before-tls", said=said)
        self._secure(wire)
        self._enter(Phase.DIALOGUE)

    def say(self, text: str) -> None:
        """Send one line, `text` and CRLF, and so start the dialogue.

        Raises ValueError where `text` has a line break: it would be two commands.
        """
        if "\r" in text or "\n" in text:
            raise ValueError("one line at a time")
        self._enter(Phase.DIALOGUE)
        self.send(text.encode() + b"\r\n")

    def send(self, data: bytes) -> None:
        """Send `data` as it is."""
        _, stream = self._connected()
        stream.send(data)

    def read_line(self, awaited: Fact) -> bytes:
        """Return the next line without its line break; `awaited` says what it should be.

        A line ends with LF or CRLF and has at most MAX_LINE bytes.
        """
        wire, stream = self._connected()
        wire.awaited = awaited
        searched = 0
        while (end := self._heard.find(b"\n", searched)) < 0:
            searched = len(self._heard)
            if searched > MAX_LINE:
                break
            data = stream.receive()
            if not data and self._heard:
                raise self._odd(Fault.RESET, "peer-closed-after", awaited)
            if not data:
                raise wire.ended()
            wire.heard = True
            self._heard += data
        if not 0 <= end <= MAX_LINE:
            raise self._odd(Fault.PROTOCOL, "answer-endless", awaited)
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line.removesuffix(b"\r")

    def skip(self, at_most: int) -> None:
        """Hear `at_most` bytes that matter to nobody, as long as they come soon; raises nothing."""
        self._enter(Phase.DIALOGUE)
        wire, stream = self._connected()
        patient = wire.deadline
        wire.deadline = patient.sooner(_PARTING_S)
        left = at_most - len(self._heard)
        with suppress(ConversationError):
            while left > 0 and (data := stream.receive()):
                left -= len(data)
        wire.deadline = patient
        self._heard.clear()

    def read_some(self, at_most: int, awaited: Fact) -> bytes:
        """Return the next bytes, at most `at_most` (>= 1) and at least one; b"" at the end."""
        wire, stream = self._connected()
        wire.awaited = awaited
        if not self._heard:
            self._heard += stream.receive()
        data = bytes(self._heard[:at_most])
        del self._heard[:at_most]
        return data

    def read_exactly(self, size: int, awaited: Fact) -> bytes:
        """Return the next `size` (>= 0) bytes."""
        data = b""
        while len(data) < size:
            more = self.read_some(size - len(data), awaited)
            if not more:
                raise ConversationError.of(Fault.RESET, "peer-closed-within", awaited=awaited)
            data += more
        return data

    def require_quiet(self, after: Fact) -> None:
        """Raise where more has come than was asked for: who recites may have hung since."""
        if self._heard:
            raise self._odd(Fault.PROTOCOL, "answer-unasked", after)

    @property
    def within_line(self) -> bool:
        """Whether a part of a line has come whose end has not."""
        return bool(self._heard)

    @property
    def login(self) -> Login | None:
        """The account to log in with in this conversation."""
        return self._settings.login

    @property
    def private(self) -> bool:
        """Whether nobody can listen in: inside TLS, or without ever leaving this host."""
        wire, stream = self._connected()
        return stream is not wire or ip_address(wire.peer[0]).is_loopback

    @property
    def own_address(self) -> str:
        """The numeric address of our side of the connection."""
        wire, _ = self._connected()
        return wire.own[0]

    def hurry(self, within_s: float) -> None:
        """Give the rest of the conversation at most `within_s` seconds."""
        wire, _ = self._connected()
        wire.deadline = wire.deadline.sooner(within_s)

    def allow(self, within_s: float) -> None:
        """Give the rest of the conversation `within_s` seconds, where it has less."""
        wire, _ = self._connected()
        at = self._deadline.clock() + within_s
        wire.deadline = Deadline(max(wire.deadline.at, at), wire.deadline.clock)

    def part(self) -> None:
        """Close as a polite peer does, after the last word; raises nothing."""
        self._enter(None)
        if self._stream:
            self._stream.part(_PARTING_S)

    def close(self) -> None:
        """Let go of the connection, at once and whatever happened; raises nothing."""
        self._enter(None)
        if self._wire:
            self._wire.close()

    def phases(self) -> Mapping[str, float]:
        """Return the seconds of each phase that was reached, the last one last."""
        self._enter(self._phase)
        return MappingProxyType(dict(self._phases))

    def _secure(self, wire: Wire) -> None:
        self._enter(Phase.TLS)
        wire.awaited = fact("tls-handshake")
        tls = Tls(wire, self._settings)
        tls.handshake()
        self.certificate_expires = not_after(tls.certificate())
        tls.check_pin()
        self._stream = tls

    def _connected(self) -> tuple[Wire, Wire | Tls]:
        assert self._wire, "open() comes first"
        assert self._stream
        return self._wire, self._stream

    def _odd(self, fault: Fault, code: str, awaited: Fact) -> ConversationError:
        said = printable(bytes(self._heard[:400]), 80)
        return ConversationError.of(fault, code, awaited=awaited, said=said)

    def _enter(self, phase: Phase | None) -> None:
        now = self._deadline.clock()
        if self._phase:
            self._phases[self._phase] = self._phases.pop(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now
