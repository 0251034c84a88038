from __future__ import annotations

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.address import in_ascii, is_loopback, is_numeric


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


@pytest.mark.parametrize(
    ("name", "ascii_form"),
    [
        ("stra\xdfe.example", "xn--strae-oqa.example"),
        ("STRA\xdfE.Example", "xn--strae-oqa.example"),
        ("b\xfccher.example.", "xn--bcher-kva.example."),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("mail.\u4f8b\u3048.\u30c6\u30b9\u30c8", "mail.xn--r8jz45g.xn--zckzah"),
        ("\u03a6\u0391\u03a3.example", "xn--mxa0bh.example"),
        ("_dmarc.b\xfccher.example", "_dmarc.xn--bcher-kva.example"),
        ("mail.example", "mail.example"),
        ("\uff4dail.example", None),
        ("\U0001f600.example", None),
        ("b\xfccher\u3002example", None),
        ("b\xfc cher.example", None),
        ("\u0301a\xfc.example", None),
        ("\xfc/x", None),
    ],
)
def test_a_name_in_unicode(name: str, ascii_form: str | None) -> None:
    """As IDNA 2008 has it, where eszett and the last sigma are letters of their own."""
    assert in_ascii(name) == ascii_form


@given(st.text(st.characters(min_codepoint=0x61, max_codepoint=0x2FFF), min_size=1, max_size=8))
def test_a_form_that_is_given_is_that_of_idna_2008(label: str) -> None:
    """Whatever the name, it is no other domain than the one that was meant."""
    try:
        meant = idna.encode(label, uts46=True).decode()
    except idna.IDNAError:
        return
    assert in_ascii(label) in (meant, None)
