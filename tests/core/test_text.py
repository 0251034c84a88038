from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.text import duration, join_words, name_some, printable

_HOSTILE = st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co"]))


@given(_HOSTILE | st.binary(), st.integers(4, 400))
def test_printable_is_one_bounded_line_that_prints(text: str | bytes, limit: int) -> None:
    """No control, separator, override or surrogate is left, nor more than `limit` characters."""
    safe = printable(text, limit)
    assert safe.isprintable()
    assert len(safe.splitlines()) <= 1
    assert len(safe) <= limit
    safe.encode("utf-8")


@given(_HOSTILE | st.binary(), st.integers(4, 400))
def test_printable_changes_nothing_a_second_time(text: str | bytes, limit: int) -> None:
    """Text may pass several doors: each finds it clean."""
    safe = printable(text, limit)
    assert printable(safe, limit) == safe


@given(st.text(st.characters(categories=["L", "N", "P"]), max_size=50))
def test_printable_leaves_readable_text_alone(text: str) -> None:
    """Letters of every script pass as they are."""
    assert printable(text, 50) == text
    assert printable(text.encode(), 50) == text


def test_printable_shows_what_it_found() -> None:
    """An admin can see what a peer really said."""
    assert printable("220 ok\r\n<0>x\x1b[2J") == r"220 ok\r\n<0>x\x1b[2J"
    assert printable(b"\xff\xfe ok") == r"\xff\xfe ok"
    assert printable("a\u202eb") == r"a\u202eb"


@pytest.mark.parametrize("character", ["x", "\u00e4", "\u4e2d", "\U0001f4e8"])
def test_printable_says_that_it_cut(character: str) -> None:
    """A text one character too long ends in dots, as text and as bytes of any width."""
    for text in (character * 21, character * 500, "x" + character * 20):
        assert printable(text, 20) == text[:17] + "..."
        assert printable(text.encode(), 20) == text[:17] + "..."
    assert printable(character * 20, 20) == printable((character * 20).encode(), 20)
    assert printable(character * 20, 20) == character * 20


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
    ],
)
def test_words_are_listed_as_a_person_would(words: list[str], listed: str) -> None:
    """With commas and one `and`."""
    assert join_words(words) == listed
    assert join_words(["a", "b"], "or") == "a or b"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.0004, "1 ms"),
        (0.04, "40 ms"),
        (0.42, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (25, "25 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (185, "3 min 5 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h"),
        (7440, "2 h 4 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d"),
        (266_400, "3 d 2 h"),
    ],
)
def test_durations_are_said_in_the_units_of_their_size(seconds: float, said: str) -> None:
    """Two units at most, and no rounding up to sixty."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, ""), (1, "a"), (2, "a and b"), (4, "a, b, c and d"), (5, "a, b, c and 2 more")],
)
def test_some_names_are_listed_and_the_rest_counted(count: int, said: str) -> None:
    """No more words than a line has room for."""
    assert name_some("abcde"[:count]) == said
