"""TLS over a wire: contexts that are built once, and a handshake that ends on time."""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.facts import fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.endpoint import Endpoint, TlsVersion
from mailwatch.net.errors import ConversationError, reason_of
from mailwatch.net.hello import FirstMessage
from mailwatch.net.wire import CHUNK, Wire

_CIPHERS = "DEFAULT:!kDHE:!PSK:!SRP"
"""OpenSSL's own for TLS 1.2, but for keys in a finite field: with parameters that a server makes
up, one of 9,984 bits, OpenSSL is busy for 0.8 s in a single call, which no deadline can end.
A server without elliptic curves still has the key exchange by RSA.
"""

_RECORD_TYPES = range(20, 25)
"""The first byte of whatever is TLS (RFC 8446 section 5.1, RFC 6520 section 3)."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """All that two contexts may differ in."""

    verify: bool
    ca_file: Path | None
    ca_version: tuple[int, int, int] | None
    minimum: TlsVersion


_contexts: dict[_Recipe, ssl.SSLContext] = {}
_building = threading.Lock()


def context_for(settings: Endpoint) -> ssl.SSLContext:
    """Return the shared context for `settings`; to build one costs up to 35 ms.

    A CA file that has changed on disk is read again. Raises ConversationError, unmeasured, where
    the CA file cannot be used.
    """
    ca_file = settings.ca_file if settings.verify else None
    try:
        ca_version = _version_of(ca_file) if ca_file else None
        recipe = _Recipe(settings.verify, ca_file, ca_version, settings.minimum_tls)
        with _building:
            context = _contexts.get(recipe)
            if context is None:
                context = _build(recipe)
                for old in [old for old in _contexts if ca_file and old.ca_file == ca_file]:
                    if old.ca_version != recipe.ca_version:
                        del _contexts[old]
                _contexts[recipe] = context
            return context
    except ssl.SSLError:
        why = fact("no-pem")
    except OSError as error:
        why = reason_of(error)
    raise ConversationError.of(None, "ca-file-unusable", path=str(ca_file), why=why)


def _version_of(path: Path) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _build(recipe: _Recipe) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion[f"TLSv{recipe.minimum.replace('.', '_')}"]
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not recipe.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif recipe.ca_file:
        context.load_verify_locations(cafile=recipe.ca_file)
    else:
        context.load_default_certs()
    return context


class Tls:
    """A TLS session over a wire, with no session kept: each check proves a full handshake.

    OpenSSL is fed one chunk at a time, so a flood of empty records cannot outlast the deadline.
    """

    def __init__(self, wire: Wire, settings: Endpoint) -> None:
        self._wire = wire
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._first = b""
        self._hello = FirstMessage()
        self._pin = settings.fingerprint
        name = settings.asked_name
        try:
            self._session = context_for(settings).wrap_bio(
                self._incoming, self._outgoing, server_hostname=name
            )
        except (TypeError, ValueError):  # NUL, or no name by IDNA
            raise ConversationError.of(None, "tls-name-unusable", name=name) from None

    def handshake(self) -> None:
        """Complete the handshake; raises ConversationError."""
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                self._feed()
                self._wire.heard = True
            except ssl.SSLError as error:
                raise self._refused(error) from None
            else:
                self._flush()
                return

    def certificate(self) -> bytes:
        """Return the peer's certificate (DER), verified or not, b"" where it showed none."""
        return self._session.getpeercert(binary_form=True) or b""

    def check_pin(self) -> None:
        """Compare the certificate with the pinned fingerprint; raises ConversationError."""
        if self._pin is None:
            return
        found = hashlib.sha256(self.certificate()).hexdigest()
        if found != self._pin:
            raise ConversationError.of(Fault.CERTIFICATE, "certificate-not-pinned", sha256=found)

    def receive(self) -> bytes:
        """Return the next bytes, b"" at the end of the stream; raises ConversationError."""
        while True:
            try:
                return self._session.read(CHUNK)
            except ssl.SSLWantReadError:
                self._feed(end_is_error=False)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise self._refused(error) from None

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises ConversationError."""
        try:
            self._session.write(data)
        except ssl.SSLError as error:
            raise self._refused(error) from None
        self._flush()

    def part(self, within_s: float) -> None:
        """Say that no more will come (RFC 8446 section 6.1), then part as the wire does."""
        with suppress(ssl.SSLError, ConversationError):
            # Writes our close_notify, then wants to read the peer's, which Wire.part waits for.
            self._session.unwrap()
        with suppress(ConversationError):
            self._flush()
        self._wire.part(within_s)

    def _feed(self, *, end_is_error: bool = True) -> None:
        self._flush()
        data = self._wire.receive()
        if not self._first:
            self._first = data[:100]
        if self._hello.wants_finite_field(data):
            raise ConversationError.of(Fault.TLS, "tls-finite-field")
        if data:
            self._incoming.write(data)
        elif end_is_error:
            raise self._wire.ended()
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._wire.send(self._outgoing.read())

    def _refused(self, error: ssl.SSLError) -> ConversationError:
        with suppress(ConversationError):
            self._flush()  # the alert that tells the peer why
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            return ConversationError.of(Fault.CERTIFICATE, "certificate-refused", why=why)
        if self._first and self._first[0] not in _RECORD_TYPES:
            said = printable(self._first)
            return ConversationError.of(Fault.TLS, "answered-otherwise", said=said, protocol="TLS")
        why = (error.reason or "unknown reason").replace("_", " ").lower()
        return ConversationError.of(Fault.TLS, "tls-failed", awaited=self._wire.awaited, why=why)
