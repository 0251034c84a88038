"""Patterns for hostile text: found in linear time, which regular expressions do not promise."""

from __future__ import annotations


def matches(pattern: str, text: bytes) -> bool:
    """Return whether `pattern` occurs anywhere in `text`; a `*` stands for anything or nothing.

    The pattern is compared as UTF-8, with its case. A backtracking match of an innocent regular
    expression may take hours on text made for it, and no deadline can interrupt it.
    """
    at = 0
    for part in pattern.encode().split(b"*"):
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True
