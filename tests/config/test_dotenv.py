"""What a line of a .env file means: quotes, comments, export, and what is not guessed."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailwatch.config.dotenv import parse


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A=", ""),
        ("A= # nothing", ""),
        ("A='b # c'", "b # c"),
        ("A='$HOME'", "$HOME"),
        ('A="b # c" # d', "b # c"),
        (r'A="say \"hi\" \\ \$1"', r'say "hi" \ $1'),
        ("A=b=c", "b=c"),
        ("A=1\nA=2", "2"),
        ("A=b\r", "b"),
    ],
)
def test_line_has_one_meaning(line: str, value: str) -> None:
    """Each form that the original's .env may have is read as its shell read it."""
    assert parse(line) == ({"A": value}, [])


def test_comments_and_empty_lines_say_nothing() -> None:
    """Only assignments count."""
    assert parse("\n# A=b\n   \n\t# x\n") == ({}, [])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hunter2", "line 1 is not NAME=VALUE; correct it, or begin it with #"),
        ("A-B=1", 'line 1 has the name "A-B"; a name has letters, digits and _ only'),
        ("A='hunter2'#b", "line 1 leaves a quote of A open, or has text after it; correct it"),
        ("A='hunter2", "line 1 leaves a quote of A open, or has text after it; correct it"),
        ('A="hunter2" x', "line 1 leaves a quote of A open, or has text after it; correct it"),
        (
            "A=$hunter2",
            "line 1 has a $ or ` in A, which only a shell can work out; "
            "write the value itself, in single quotes",
        ),
        (
            'A="`hunter2`"',
            "line 1 has a $ or ` in A, which only a shell can work out; "
            "write the value itself, in single quotes",
        ),
    ],
)
def test_what_cannot_be_read_is_named_not_guessed(line: str, sentence: str) -> None:
    """A line that needs a shell, or is none, is named by its number and never shown."""
    assert parse(line) == ({}, [sentence])


_PLAIN = st.text(st.sampled_from("ab01 #'\"\\$`=!*~\t"), max_size=12)
"""All that quoting turns on, and nothing with which a shell could do harm."""


@given(value=_PLAIN, style=st.sampled_from(["'", '"', ""]))
@example(value="\\", style='"')
@example(value='\\"', style='"')
@example(value="a'b", style="'")
@example(value="a'#", style="'")
@example(value='a" #', style='"')
def test_what_is_read_is_what_a_shell_reads(value: str, style: str) -> None:
    """Whenever a quoted line is understood at all, a real shell gives it the same meaning."""
    line = f"A={style}{value}{style}"
    variables, mistakes = parse(line)
    if mistakes or not style:
        return
    done = subprocess.run(
        ["sh", "-c", f'{line}\nprintf %s "$A"'],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": os.defpath},
    )
    assert variables["A"] == done.stdout
