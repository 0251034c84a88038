"""A store in memory: forgets all when the process ends, and never fails."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core.model import Now, Reading
from mailwatch.core.notes import Notes
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import State
from mailwatch.store.base import Commit


class MemoryStore:
    """Keeps everything in plain attributes; see `store.base.Store`."""

    def __init__(
        self,
        state: State | None = None,
        entries: Sequence[QueuedMessage] = (),
        next_id: int = 1,
        notes: Notes | None = None,
    ) -> None:
        self._state = state or State()
        self._entries = tuple(entries)
        self.next_id = next_id
        """The id of the entry to come; none is handed out twice."""
        self._notes = notes or Notes()
        self._paused_until: Now | None = None

    def restore(self, now: Now) -> State:
        """Return what was committed last in this process."""
        return self._state

    def notes(self) -> Notes:
        """Return what is kept beside the incident."""
        return self._notes

    def commit(self, commit: Commit) -> None:
        """Keep the state, and put an entry into the outbox for each message and channel."""
        self._state = commit.state
        self._notes = self._notes if commit.notes is None else commit.notes
        for message in commit.messages:
            for channel in commit.channels:
                entry = QueuedMessage(self.next_id, channel, message)
                self._entries = (*self._entries, entry)
                self.next_id += 1

    def entries(self) -> tuple[QueuedMessage, ...]:
        """Return the outbox, in order."""
        return self._entries

    def keep_entries(self, entries: Sequence[QueuedMessage]) -> None:
        """Replace the whole outbox."""
        self._entries = tuple(entries)

    def delivered(self, entry: QueuedMessage, now: Now) -> None:
        """Take `entry` out of the outbox."""
        self._entries = tuple(other for other in self._entries if other.id != entry.id)

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause."""
        return self._paused_until

    def pause(self, until: Now | None) -> None:
        """Begin or end a pause."""
        self._paused_until = until

    def record(self, readings: Sequence[Reading], now: Now) -> None:
        """Do nothing: no part of the service reads the history."""

    def close(self) -> None:
        """Do nothing: there is nothing to finish."""
