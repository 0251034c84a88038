"""How TLS is spoken here: one context for each set of wishes, and what a failed handshake means."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TypeAlias

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.host.job import Job
from mailwatch.net.endpoint import Endpoint, TlsVersion
from mailwatch.net.engine import Steps, Wait
from mailwatch.net.errors import ConversationError, reason_of

_CIPHERS = "DEFAULT:!kDHE:!PSK:!SRP"
"""OpenSSL's own for TLS 1.2, but for keys in a finite field: with parameters that a server makes
up, one of 9,984 bits, OpenSSL is busy for 0.8 s in a single call, which no deadline can end.
A server without elliptic curves still has the key exchange by RSA.
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


def failure(error: ssl.SSLError, began: bytes, awaited: Fact) -> ConversationError:
    """Return what `error` means where the peer `began` so and something was `awaited`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        return ConversationError.of(Fault.CERTIFICATE, "certificate-refused", why=why)
    if began and began[0] not in _RECORD_TYPES:
        said = printable(began)
        return ConversationError.of(Fault.TLS, "answered-otherwise", said=said, protocol="TLS")
    why = (error.reason or "unknown reason").replace("_", " ").lower()
    return ConversationError.of(Fault.TLS, "tls-failed", awaited=awaited, why=why)
