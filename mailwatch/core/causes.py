"""What is known of a likely cause without the evidence for it."""

from __future__ import annotations

from mailwatch.core.facts import Fact, fact
from mailwatch.core.say import say

BAN = "ban"
"""The code of a cause that tells of a ban; a server's own is `ban-by-SERVER`."""


def is_ban(cause: Fact) -> bool:
    """Whether `cause` tells of a ban."""
    return cause.code == BAN or cause.code.startswith(f"{BAN}-by-")


def line(cause: Fact) -> str:
    """Return `cause` for a person: ASCII, at most 160 characters, without a full stop."""
    return say(fact("cause-line", cause=cause))
