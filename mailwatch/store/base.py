"""What every store can do, and does in memory: the seam between the engine and the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a store keeps at one moment, but the history."""

    state: State = field(default_factory=State)
    notes: Notes = field(default_factory=Notes)
    entries: tuple[QueuedMessage, ...] = ()
    next_id: int = 1
    """The id of the entry to come; none is handed out twice."""
    paused_until: Now | None = None


class Store:
    """Keeps the incident, the outbox, the pause and the readings; used by one thread.

    This one keeps them in memory, and forgets all when the process ends. No method raises for a
    fault of the disk: a store that can't write keeps all in memory, says so once in the log, and
    catches up.
    """

    def __init__(self) -> None:
        self._memory = Memory()

    directory: str = ""
    """Where it keeps what it has, for a person to read."""

    @property
    def silent_since(self) -> float | None:
        """Since when (steady) the disk does not take changes, though it was waited for; or None."""
        return None

    def hurry(self) -> None:
        """Wait for the disk no longer from now on than a process that ends can."""

    def restore(self, now: Now) -> State:
        """Return the state as it was last committed, its moments moved to this boot's clock.

        Call it once, before anything else.
        """
        return self._memory.state

    def notes(self) -> Notes:
        """Return what is kept beside the incident, as it was last committed."""
        return self._memory.notes

    def commit(self, commit: Commit) -> None:
        """Keep all of `commit`, or nothing of it."""
        memory = self._memory
        told = [(channel, message) for message in commit.messages for channel in commit.channels]
        steady = commit.now.steady
        added = (QueuedMessage(memory.next_id + i, *one, steady) for i, one in enumerate(told))
        self._memory = replace(
            memory,
            state=commit.state,
            notes=memory.notes if commit.notes is None else commit.notes,
            entries=(*memory.entries, *added) if told else memory.entries,
            next_id=memory.next_id + len(told),
        )

    def entries(self) -> tuple[QueuedMessage, ...]:
        """Return the outbox: every entry not delivered yet, in order."""
        return self._memory.entries

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox by `entries`, whose ids it has handed out itself."""
        self._memory = replace(self._memory, entries=tuple(entries))

    def delivered(self, entries: Sequence[QueuedMessage], now: Now) -> None:
        """Take `entries` out of the outbox: their end at `now` is kept for the history."""
        self._end([replace(entry, ended=now) for entry in entries])

    def give_up(self, entry: QueuedMessage, now: Now) -> None:
        """Take `entry` out of the outbox, undelivered: its end at `now` is kept, and that."""
        self._end([replace(entry, ended=now, given_up=True)])

    def _end(self, entries: Sequence[QueuedMessage]) -> None:
        ended = {entry.id for entry in entries}
        left = tuple(other for other in self._memory.entries if other.id not in ended)
        self._memory = replace(self._memory, entries=left)

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, None where there is none; it may lie in the past."""
        return self._memory.paused_until

    def pause(self, until: Now | None) -> None:
        """Pause until `until`, or end the pause with None."""
        self._memory = replace(self._memory, paused_until=until)

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Add the readings of one round to the history, which no part of the service reads."""

    def close(self) -> None:
        """Finish writing and let go of every file."""
