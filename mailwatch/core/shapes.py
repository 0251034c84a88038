"""Text that stands for something with parts: a fingerprint, ranges of status, a field, an address.

Each function returns None where the text is not of its shape.
"""

from __future__ import annotations

import ipaddress
import re

_FINGERPRINT = re.compile(r"[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31}", re.ASCII)
_RANGE = re.compile(r"([2-5][0-9]{2})(?:-([2-5][0-9]{2}))?", re.ASCII)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*(.*?)[ \t]*", re.ASCII)
_MOST_RANGES = 32

FINGERPRINT = "the 64 digits that `openssl x509 -noout -fingerprint -sha256` prints after ="
"""What a fingerprint is, as the end of `write ...`."""


def fingerprint(text: str) -> str | None:
    """Return a SHA-256 in 64 lower-case hexadecimal digits, from those with or without colons."""
    lower = text.lower()
    return lower.replace(":", "") if _FINGERPRINT.fullmatch(lower) else None


def statuses(text: str) -> tuple[tuple[int, int], ...] | None:
    """Return the first and last of each range, both from 200 to 599, in `200-299,401`.

    An answer of 1xx is never the last one (RFC 9110, 15.2), so no rule can ask for it.
    """
    ranges = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip(" "))
        if not match:
            return None
        first = int(match[1])
        ranges.append((first, int(match[2] or first)))
    if len(ranges) > _MOST_RANGES or any(first > last for first, last in ranges):
        return None
    return tuple(ranges)


def field(text: str) -> tuple[str, str] | None:
    """Return the name and the pattern in `Server: nginx*` (RFC 9110, 5.1), neither empty."""
    match = _FIELD.fullmatch(text) if text.isprintable() else None
    return (match[1], match[2]) if match and match[2] else None


def address(text: str) -> str | None:
    """Return an IP address as it is usually written, without a zone."""
    try:
        return None if "%" in text else str(ipaddress.ip_address(text))
    except ValueError:
        return None
