"""When a certificate expires, read from its DER form (RFC 5280 section 4.1).

The ssl module names that moment only of a certificate that it has verified, and most services of
one host are asked without.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

_INTEGER, _SEQUENCE, _VERSION = 0x02, 0x30, 0xA0
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}
"""UTCTime up to 2049, GeneralizedTime from then on (section 4.1.2.5)."""


@lru_cache(maxsize=64)
def not_after(certificate: bytes) -> float | None:
    """Return when `certificate` (DER) expires in seconds since 1970, None where it is nonsense.

    The same one comes every two minutes, and to read it costs 0.1 ms.
    """
    try:
        whole, _ = _open(certificate, _SEQUENCE)
        signed, _ = _open(whole, _SEQUENCE)
        if signed[0] == _VERSION:
            _, signed = _open(signed, _VERSION)
        _, signed = _open(signed, _INTEGER)  # the serial number
        _, signed = _open(signed, _SEQUENCE)  # the algorithm of the signature
        _, signed = _open(signed, _SEQUENCE)  # the issuer
        validity, _ = _open(signed, _SEQUENCE)
        _, until = _next(validity)
        return _moment(until)
    except (IndexError, ValueError):
        return None


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
