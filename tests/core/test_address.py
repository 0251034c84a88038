from __future__ import annotations

import pytest

from mailwatch.core.address import is_loopback, is_numeric


@pytest.mark.parametrize("host", ["127.0.0.1", "127.255.0.9", "::1", "::1%lo", "localhost"])
def test_loopback(host: str) -> None:
    """Whatever of this host never leaves it."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.0.2.7", "localhost.example", "mail"])
def test_elsewhere(host: str) -> None:
    """What may leave it, and names of which nobody knows."""
    assert not is_loopback(host)


def test_numeric() -> None:
    """An address needs no name system."""
    assert is_numeric("192.0.2.7")
    assert is_numeric("fd00::2")
    assert not is_numeric("mail.example.org")
    assert not is_numeric("")
