"""What every store can do: the seam between the engine and the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mailwatch.core.message import Message
from mailwatch.core.model import Now, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident, State


@dataclass(frozen=True, slots=True)
class Commit:
    """What one step of the service leaves behind at `now`, kept as a whole."""

    state: State
    now: Now
    messages: Sequence[Message] = ()
    """For the outbox, where each gets an entry for each of `channels`."""
    channels: Sequence[str] = ("gotify",)
    closed: Incident | None = None
    """The incident that this step has closed, as it stood then.

    Without it an incident that is gone from `state` is kept as it was last seen, closed at `now`.
    """
    notes: Notes | None = None
    """What is kept beside the incident, None where that has not changed."""


class Store(Protocol):
    """Keeps the incident, the outbox, the pause and the readings; used by one thread.

    No method raises for a fault of the disk: a store that can't write keeps all in memory, says
    so once in the log, and catches up.
    """

    def restore(self, now: Now) -> State:
        """Return the state as it was last committed, its moments moved to this boot's clock.

        Call it once, before anything else.
        """
        ...

    def notes(self) -> Notes:
        """Return what is kept beside the incident, as it was last committed."""
        ...

    def commit(self, commit: Commit) -> None:
        """Keep all of `commit`, or nothing of it."""
        ...

    def entries(self) -> tuple[QueuedMessage, ...]:
        """Return the outbox: every entry not delivered yet, in order."""
        ...

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox by `entries`, whose ids it has handed out itself."""
        ...

    def delivered(self, entry: QueuedMessage, now: Now) -> None:
        """Take `entry` out of the outbox: its end at `now` is kept for the history."""
        ...

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, None where there is none; it may lie in the past."""
        ...

    def pause(self, until: Now | None) -> None:
        """Pause until `until`, or end the pause with None."""
        ...

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Add the readings of one round to the history."""
        ...

    def close(self) -> None:
        """Finish writing and let go of every file."""
        ...
