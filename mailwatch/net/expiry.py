"""When a certificate expires, read from its DER form (RFC 5280 section 4.1).

The ssl module names that moment only of a certificate that it has verified, and most services of
one host are asked without.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_UTC_TIME, _GENERALIZED_TIME = rb"\x17\x0d([0-9]{12}Z)", rb"\x18\x0f([0-9]{14}Z)"
"""Up to 2049, and from then on (section 4.1.2.5)."""
_TIME = rb"(?:%b|%b)" % (_UTC_TIME, _GENERALIZED_TIME)
_VALIDITY = re.compile(rb"\x30[\x1e-\x22]" + _TIME + _TIME)
"""A sequence of two times, the first one in a certificate: before it stand the serial number, the
algorithm and the issuer. Who puts one there deceives nobody but about its own certificate.
"""


@lru_cache(maxsize=64)
def not_after(certificate: bytes) -> float | None:
    """Return when `certificate` (DER) expires in seconds since 1970, None where it is nonsense."""
    validity = _VALIDITY.search(certificate)
    if not validity:
        return None
    short, long = validity[3], validity[4]
    try:
        if long:
            return _moment(long, "%Y%m%d%H%M%SZ").timestamp()
        when = _moment(short, "%y%m%d%H%M%SZ")
        # strptime takes 50 to 68 for this century, RFC 5280 for the last one.
        return (when.replace(year=when.year - 100) if when.year >= 2050 else when).timestamp()
    except ValueError:
        return None


def _moment(text: bytes, form: str) -> datetime:
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)
