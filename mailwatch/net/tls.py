"""How TLS is spoken here: one context for each set of wishes, and what a failed handshake means."""

from __future__ import annotations

import _ssl
import hashlib
import os
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from mailwatch.core.address import is_numeric
from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.host.job import Job
from mailwatch.net.endpoint import Endpoint, TlsVersion
from mailwatch.net.engine import Steps, Wait
from mailwatch.net.errors import ConversationError, reason_of
from mailwatch.net.expiry import span_of

_CIPHERS = "DEFAULT:!kDHE:!PSK:!SRP"
"""OpenSSL's own for TLS 1.2, but for keys in a finite field: with parameters that a server makes
up, one of 9,984 bits, OpenSSL is busy for 0.8 s in a single call, which no deadline can end.
A server without elliptic curves still has the key exchange by RSA.
"""

_NOT_YET, _EXPIRED = 9, 10
"""X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED (openssl-verification-options(1))."""

_UNKNOWN_NAME = "unrecognized name"
"""The alert of a server that has no certificate for the name, or none without a name."""

_NAMELESS = ("alert internal error", "alert handshake failure", "alert access denied")
"""Others that come where no name was asked for: those of Traefik, of Java and of rustls.

A server that is sick sends them as well, as OpenSMTPD where its keys fail it.
"""

_RECORD_TYPES = range(20, 25)
"""The first byte of whatever is TLS (RFC 8446 section 5.1, RFC 6520 section 3)."""

_Version = tuple[int, int, int] | None
_Wishes: TypeAlias = tuple[bool, Path | None, TlsVersion]

_contexts: dict[_Wishes, tuple[_Version, ssl.SSLContext]] = {}
_jobs: dict[_Wishes, Job[ssl.SSLContext | Fact]] = {}


def context_for(settings: Endpoint, deadline: Deadline) -> Steps[ssl.SSLContext]:
    """Return the shared context for `settings`; to build one costs up to 35 ms.

    What is read from the disk is read off the calling thread, for a disk may hang; a CA file is
    read again once it has changed. Raises ConversationError, unmeasured, where it cannot be used.
    """
    ca_file = settings.ca_file if settings.verify else None
    wishes = settings.verify, ca_file, settings.minimum_tls
    if ca_file is None and (known := _contexts.get(wishes)):
        return known[1]
    if not settings.verify:
        _contexts[wishes] = None, (context := _build(*wishes))
        return context
    job = _jobs.get(wishes)
    if job is None or job.is_over:
        job = _jobs[wishes] = Job("ca-file", deadline)
        job.start(lambda: _read(wishes), lambda why: why)
    if not (yield Wait(deadline.at, job)):
        raise ConversationError.of(None, "ca-file-late", path=str(ca_file or "the CA store"))
    found = job.answer
    if isinstance(found, Fact):
        raise ConversationError.of(None, "ca-file-unusable", path=str(ca_file), why=found)
    return found


def _read(wishes: _Wishes) -> ssl.SSLContext | Fact:
    """Return the context for `wishes`, from memory where the file is the same; or why not."""
    try:
        version = _version_of(wishes[1]) if wishes[1] else None
        known = _contexts.get(wishes)
        if known is None or known[0] != version:
            known = _contexts[wishes] = version, _build(*wishes)
        return known[1]
    except ssl.SSLError:
        return fact("no-pem")
    except OSError as error:
        return reason_of(error)


def wrapped(
    context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, name: str | None
) -> ssl.SSLObject:
    """Return a client's end of TLS that asks for `name`; raises ConversationError, unmeasured."""
    try:
        return context.wrap_bio(incoming, outgoing, server_hostname=name)
    except (TypeError, ValueError):  # NUL, or no name by IDNA
        raise ConversationError.of(None, "tls-name-unusable", name=name) from None


def require_pin(tls: ssl.SSLObject, fingerprint: str | None) -> None:
    """Raise ConversationError where the certificate has another SHA-256 than `fingerprint`."""
    if fingerprint is None:
        return
    sha256 = hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()
    if sha256 != fingerprint:
        raise ConversationError.of(Fault.CERTIFICATE, "certificate-not-pinned", sha256=sha256)


def _version_of(path: Path) -> _Version:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _build(verify: bool, ca_file: Path | None, minimum: TlsVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion[f"TLSv{minimum.replace('.', '_')}"]
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_file:
        context.load_verify_locations(cafile=ca_file)
    else:
        context.load_default_certs()
    return context


def served_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the certificates (DER) that the peer has shown, its own first."""
    if chain := _chain(tls, "get_unverified_chain"):
        return chain
    own = tls.getpeercert(binary_form=True)
    return (own,) if own else ()


def _chain(tls: ssl.SSLObject, which: str) -> tuple[bytes, ...]:
    """Ask `tls` for one of its chains, which Python before 3.13 has and does not show."""
    if ask := getattr(tls, which, None):
        return tuple(ask())
    with suppress(AttributeError):
        found = getattr(tls._sslobj, which)()  # type: ignore[attr-defined]
        return tuple(one.public_bytes(_ssl.ENCODING_DER) for one in found or ())
    return ()


def _refused_certificate(
    tls: ssl.SSLObject, error: ssl.SSLCertVerificationError
) -> ConversationError:
    """Return what was refused, and why: OpenSSL does not tell which one of a chain expired."""
    why, code = error.verify_message, "certificate-refused"
    dated = error.verify_code in (_NOT_YET, _EXPIRED)
    span = span_of(_chain(tls, "get_verified_chain")) if dated else None
    if span is None:
        return ConversationError.of(Fault.CERTIFICATE, code, why=why)
    now = time.time()  # by which OpenSSL has judged, too
    if error.verify_code == _NOT_YET:
        in_s = _told_s(span.begins - now)
        return ConversationError.of(
            Fault.CERTIFICATE, "certificate-not-yet", why=why, begins_s=in_s
        )
    ago_s = _told_s(now - span.ends)
    if span.authority:
        return ConversationError.of(
            Fault.CERTIFICATE, "authority-refused", authority=span.authority, why=why, ended_s=ago_s
        )
    return ConversationError.of(Fault.CERTIFICATE, "certificate-expired", why=why, ended_s=ago_s)


def _told_s(seconds: float) -> float:
    """Return `seconds` in whole days, on the first in minutes, so that it stays for a time."""
    unit_s = 86_400.0 if seconds >= 86_400.0 else 60.0
    return max(60.0, seconds // unit_s * unit_s)


def is_record(began: bytes) -> bool:
    """Whether what `began` so may be TLS."""
    return not began or began[0] in _RECORD_TYPES


def failure(
    error: ssl.SSLError, tls: ssl.SSLObject, began: bytes, awaited: Fact, settings: Endpoint
) -> ConversationError:
    """Return what `error` means where the peer `began` so and something was `awaited`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _refused_certificate(tls, error)
    if not is_record(began):
        said = printable(began)
        return ConversationError.of(Fault.TLS, "answered-otherwise", said=said, protocol="TLS")
    why = (error.reason or "unknown reason").replace("_", " ").lower()
    fault = Fault.RULE if why.endswith(_UNKNOWN_NAME) else Fault.TLS
    # Only a name is ever asked for, and no address (RFC 6066 section 3).
    if is_numeric(settings.asked_name) and why.endswith((_UNKNOWN_NAME, *_NAMELESS)):
        code = "tls-name-wanted" if fault is Fault.RULE else "tls-refused-or-name-wanted"
        return ConversationError.of(fault, code, why=why)
    if fault is Fault.RULE:
        return ConversationError.of(fault, "tls-name-unknown", name=settings.asked_name, why=why)
    return ConversationError.of(fault, "tls-failed", awaited=awaited, why=why)
