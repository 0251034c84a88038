"""The admin's pause: when it ends, and the notice that says so."""

from __future__ import annotations

from mailwatch.core.facts import fact
from mailwatch.core.message import Message
from mailwatch.core.model import Now
from mailwatch.core.wording import Installation, notice


def in_force(until: Now | None, now: Now) -> Now | None:
    """Return the end of a pause that still lasts, else None."""
    return until if until is not None and until.steady > now.steady else None


def is_over(until: Now | None, now: Now) -> bool:
    """Whether a pause has run out that nobody has ended yet."""
    return until is not None and until.steady <= now.steady


def over(now: Now, installation: Installation) -> Message:
    """Return the notice that a pause has run out."""
    watches = fact("watches-again", target=installation.target.called)
    return notice(fact("pause-over", host=installation.host), [watches], now, installation)
