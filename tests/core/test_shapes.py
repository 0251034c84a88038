"""Text that stands for something with parts is read as people write it, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core import shapes

DIGEST = "0123456789abcdef" * 4
AS_OPENSSL_PRINTS = ":".join(DIGEST.upper()[at : at + 2] for at in range(0, 64, 2))


@pytest.mark.parametrize("text", [DIGEST, DIGEST.upper(), AS_OPENSSL_PRINTS])
def test_a_fingerprint_is_taken_with_colons_and_in_any_case(text: str) -> None:
    """What openssl prints can be pasted, and becomes what the probe compares."""
    assert shapes.fingerprint(text) == DIGEST


@pytest.mark.parametrize(
    "text",
    [
        DIGEST[:-1], DIGEST + "0", DIGEST[:-1] + "g", DIGEST + "\n", DIGEST + ":",
        AS_OPENSSL_PRINTS.replace(":", "", 1), AS_OPENSSL_PRINTS[:59], "\u0660" * 64, "",
    ],
)  # fmt: skip
def test_half_a_fingerprint_is_none(text: str) -> None:
    """A slip of the pen never becomes a pin that no certificate has."""
    assert shapes.fingerprint(text) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("200", ((200, 200),)),
        ("200-299,401", ((200, 299), (401, 401))),
        ("200-299, 401 , 599", ((200, 299), (401, 401), (599, 599))),
    ],
)
def test_statuses_are_codes_and_ranges(text: str, wanted: tuple[tuple[int, int], ...]) -> None:
    """A code alone is a range of one."""
    assert shapes.statuses(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", ",", "200,", "199", "600", "200-600", "299-200", "2xx", "200 - 299", "-200", "+200",
     "200\n", "\u0662\u0660\u0660", ",".join(["200"] * 33)],
)  # fmt: skip
def test_other_statuses_are_none(text: str) -> None:
    """Nothing is guessed, and a list is bounded."""
    assert shapes.statuses(text) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Server: nginx*", ("Server", "nginx*")),
        ("server:nginx", ("server", "nginx")),
        ("X-A:  b: c ", ("X-A", "b: c")),
    ],
)
def test_a_field_is_a_name_and_a_pattern(text: str, wanted: tuple[str, str]) -> None:
    """It is written as it goes over the wire, blanks around the value being none of it."""
    assert shapes.field(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "Server", "Server:", "Server: \t", ": x", "A b: x", "A : x", "A: x\r\nB: y", "A: \0"],
)
def test_what_is_no_field_is_none(text: str) -> None:
    """A name is a token (RFC 9110, 5.6.2), and no control character passes."""
    assert shapes.field(text) is None


@pytest.mark.parametrize(
    ("text", "wanted"), [("192.0.2.7", "192.0.2.7"), ("2001:DB8:0::1", "2001:db8::1")]
)
def test_an_address_is_normal(text: str, wanted: str) -> None:
    """Either version of IP is taken, in the form that RFC 5952 has for it."""
    assert shapes.address(text) == wanted


@given(text=st.text(max_size=80) | st.from_regex(r"[ -~]{1,20}: [ -~]{0,20}", fullmatch=True))
def test_no_shape_lets_a_control_character_pass(text: str) -> None:
    """Whatever is taken can stand in a line of a request, a log and a terminal."""
    for shape in (shapes.fingerprint, shapes.statuses, shapes.field, shapes.address):
        if shape(text) is not None:
            assert text.isprintable()
