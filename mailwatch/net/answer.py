"""What a web server answered, and how much of it is read."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; of a longer one there are `LONGEST_ANSWER + 1`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: `body` is bounded, `location` is that of a redirect or empty."""

    status: int
    body: bytes
    location: str
