"""What an address says about where it leads."""

from __future__ import annotations

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
