"""What the protocols of lines share: what is awaited, and what is wrong with what came instead."""

from __future__ import annotations

from functools import lru_cache

from mailwatch.core.facts import Fact, Value, fact
from mailwatch.core.model import Fault
from mailwatch.core.text import printable
from mailwatch.net.errors import ConversationError

MAX_LINES = 100
"""Of one answer; a long one to EHLO has about twenty, to CAPA ten, IMAP's have two or three."""

GREETING = fact("greeting")
"""What a server says unasked."""

LOGIN = fact("answer-to-login")

_LONGEST_COMMAND = 60
"""Characters of a command that are told; a search goes on for longer."""


@lru_cache(maxsize=64)
def answer_to(command: str) -> Fact:
    """Return what is awaited after `command`."""
    return fact("answer-to", command=printable(command, _LONGEST_COMMAND))


def refused(awaited: Fact, line: bytes, wanted: Value, code: str = "answer-refuses") -> Fact:
    """Return what it means that `awaited` was `line`, and not `wanted`."""
    return fact(code, awaited=awaited, wanted=wanted, said=printable(line))


def too_many_lines(awaited: Fact, limit: int = MAX_LINES) -> ConversationError:
    """Return the error that an answer of more than `limit` lines is."""
    return ConversationError.of(
        Fault.PROTOCOL, "answer-of-many-lines", awaited=awaited, limit=limit
    )
