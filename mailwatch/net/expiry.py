"""What a chain of certificates says of its end, read from its DER form (RFC 5280 section 4.1).

The ssl module tells that only of a certificate that it has verified, and most services of one host
are asked without.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from mailwatch.core.text import printable

_INTEGER, _OID, _BMP_STRING, _SEQUENCE, _SET, _VERSION = 0x02, 0x06, 0x1E, 0x30, 0x31, 0xA0
_LONGEST_CHAIN = 20
"""Of the certificates of a server; most have two or three."""
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}
"""UTCTime up to 2049, GeneralizedTime from then on (section 4.1.2.5)."""


_NAMES = (b"\x55\x04\x03", b"\x55\x04\x0b", b"\x55\x04\x0a")
"""What calls a certificate: its common name, else its unit, else its organisation (X.520)."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """How a chain ends.

    It `expires` (seconds since 1970) with the first certificate of it that does. `authority` is
    the name of that one where it is not the server's own, else empty. `signed` counts those of the
    chain that somebody else has signed: 0 where the server signs for itself.
    """

    expires: float
    authority: str
    signed: int


@dataclass(frozen=True, slots=True)
class _Certificate:
    issuer: bytes
    subject: bytes
    begins: float
    expires: float


@lru_cache(maxsize=64)
def expiry_of(chain: tuple[bytes, ...]) -> Expiry | None:
    """Return how `chain` ends: certificates (DER), the server's own first, the rest in any order.

    None where its first is nonsense. An authority that signs itself does not count, for clients
    bring their own, and neither does what leads nowhere. The same chain comes every two minutes,
    and to read it costs 0.1 ms a certificate.
    """
    own, *others = [_read(der) for der in chain[:_LONGEST_CHAIN]] or [None]
    if own is None:
        return None
    path = [own]
    while path[-1].issuer != path[-1].subject:
        wanted = path[-1].issuer
        issuers = [one for one in others if one and one.subject == wanted and one not in path]
        if not issuers:
            break
        path.append(max(issuers, key=lambda one: one.expires))
    signed = [one for one in path if one.issuer != one.subject]
    first = min(signed or path, key=lambda one: one.expires)
    authority = "" if first is own else _called(first.subject)
    return Expiry(first.expires, authority, len(signed))


@dataclass(frozen=True, slots=True)
class Span:
    """When all of a verified chain is valid: it `begins` and `ends` (seconds since 1970).

    `authority` is the name of the first to end where that is not the server's own, else empty.
    """

    begins: float
    ends: float
    authority: str


def span_of(chain: tuple[bytes, ...]) -> Span | None:
    """Return when all of a verified `chain` is valid, None where none of it can be read."""
    found = [one for one in map(_read, chain) if one]
    if not found:
        return None
    first = min(found, key=lambda one: one.expires)
    authority = "" if first is found[0] else _called(first.subject)
    return Span(max(one.begins for one in found), first.expires, authority)


def _read(der: bytes) -> _Certificate | None:
    try:
        whole, _ = _open(der, _SEQUENCE)
        signed, _ = _open(whole, _SEQUENCE)
        if signed[0] == _VERSION:
            _, signed = _open(signed, _VERSION)
        _, signed = _open(signed, _INTEGER)  # the serial number
        _, signed = _open(signed, _SEQUENCE)  # the algorithm of the signature
        issuer, signed = _open(signed, _SEQUENCE)
        validity, signed = _open(signed, _SEQUENCE)
        subject, _ = _open(signed, _SEQUENCE)
        _, until = _next(validity)
        return _Certificate(issuer, subject, _moment(validity), _moment(until))
    except (IndexError, ValueError):
        return None


def _called(name: bytes) -> str:
    """Return what a person calls the holder of `name`, by its most telling part."""
    parts = {}
    try:
        while name:
            several, name = _open(name, _SET)
            part, _ = _open(several, _SEQUENCE)
            kind, value = _open(part, _OID)
            encoding = "utf-16-be" if value[0] == _BMP_STRING else "utf-8"
            parts[kind] = _next(value)[0].decode(encoding, "backslashreplace")
    except (IndexError, ValueError):
        pass
    return printable(
        next((parts[kind] for kind in _NAMES if parts.get(kind)), "without a name"), 60
    )


def _open(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the first value in `der`, which has `tag`, and what follows it."""
    if der[0] != tag:
        raise ValueError(f"tag {der[0]:#x} stands where {tag:#x} belongs")
    return _next(der)


def _next(der: bytes) -> tuple[bytes, bytes]:
    """Return the content of the first value in `der`, and what follows it (X.690 section 8.1)."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    end = start + length
    if len(der) < end:
        raise ValueError("the value is cut short")
    return der[start:end], der[end:]


def _moment(der: bytes) -> float:
    text, _ = _next(der)
    form = _TIMES.get(der[0], "")
    when = datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)
    if der[0] == 0x17 and when.year >= 2050:
        # strptime takes 50 to 68 for this century, RFC 5280 for the last one.
        when = when.replace(year=when.year - 100)
    return when.timestamp()
