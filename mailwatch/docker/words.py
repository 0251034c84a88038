"""What the engine says in words of its own, as a person may read it."""

from __future__ import annotations

import re

from mailwatch.core.text import printable

_IDENTITY = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_ADVICE = re.compile(r"[.,;]?\s*\bUse the --init option\b.*", re.DOTALL)
"""What it says of a zombie: advice for whoever makes the container, which cures nothing now."""


def said(words: str) -> str:
    """Return `words` in at most 300 characters without a full stop, with ids of 12 digits."""
    return printable(_IDENTITY.sub(r"\1", _ADVICE.sub("", words)).strip(), 300).rstrip(".")
