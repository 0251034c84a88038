from __future__ import annotations

import time

import pytest

from mailwatch.probes.http import matches


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("well", b"all is well here"),
        ("a*c", b"xxabbbcxx"),
        ("a*c", b"ac"),
        ("a*a", b"aa"),
        ("*", b""),
        ("", b"anything"),
        ("a**b", b"a b"),
        ("caf\xe9", "caf\xe9".encode()),
        ("caf\xe9", "ein caf\xe9 ".encode("latin-1")),
        ("10 \u20ac*caf\xe9", "10 \u20ac im caf\xe9".encode("cp1252")),
        ("\u65e5", "\u65e5".encode()),
        (".[x]", b"a.[x]"),
    ],
)
def test_found(pattern: str, text: bytes) -> None:
    """A pattern is found anywhere, and a star stands for anything or nothing."""
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("well", b"WELL"),
        ("a*a", b"a"),
        ("a*c", b"ca"),
        ("a.c", b"abc"),
        ("x", b""),
        ("\u65e5", b"?"),
    ],
)
def test_not_found(pattern: str, text: bytes) -> None:
    """Everything but the star stands for itself, in its order and case."""
    assert not matches(pattern, text)


def test_hostile_text_costs_no_more() -> None:
    """A pattern that would keep a regular expression busy for years is done at once."""
    began = time.monotonic()
    assert not matches("a*" * 30 + "b", b"a" * 65536)
    assert time.monotonic() - began < 10
