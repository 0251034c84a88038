"""What an address says about where it leads, and a name in Unicode about its form in the DNS."""

from __future__ import annotations

import unicodedata
from ipaddress import ip_address


def is_numeric(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address, for which no name need be looked up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address (RFC 1122 section 3.2.1.3, RFC 4291) or `localhost`."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0100, 0xE01F0))
)
"""Letters and marks that nobody sees, which IDNA 2008 disallows (RFC 5892 section 2.1)."""


def in_ascii(name: str) -> str | None:
    """Return `name` with its labels in Unicode as the DNS has them, `xn--...` (RFC 5890, 2.3.2.1).

    That is IDNA 2008, where Python's own codec makes another domain of `straße.example`. None
    for what it has no letters or digits for, or more than one form: symbols, full-width letters.
    """
    if any(c not in "ßς" and c.casefold() != c.lower() for c in name):
        return None  # it has another small form than its own
    # One by one, as a whole word has another small letter for its last sigma.
    text = unicodedata.normalize("NFC", "".join(map(str.lower, name)))
    if text != unicodedata.normalize("NFKC", text) or not all(map(_may_be_in_name, text)):
        return None
    labels = text.split(".")
    if any(unicodedata.category(label[0])[0] == "M" for label in labels if label):
        return None
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
        for label in labels
    )


def _may_be_in_name(character: str) -> bool:
    if ord(character) in _INVISIBLE:
        return False
    kind = unicodedata.category(character)
    return character in "-_." or kind[0] in "LM" or kind == "Nd"
