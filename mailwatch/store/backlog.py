"""What memory holds and the file does not: written with the next transaction that succeeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from sqlite3 import Connection

from mailwatch.core.model import Now, Reading
from mailwatch.core.outbox import QueuedMessage
from mailwatch.core.state import Incident
from mailwatch.store import documents, history, incidents, outbox

ROUNDS = 1000
"""Rounds that wait for a file that cannot be written: more than a day at the defaults."""


class Backlog:
    """Closed incidents, entries that have ended, and rounds, on their way to the file."""

    def __init__(self) -> None:
        self._closed: dict[str, Incident] = {}
        self._ended: dict[int, QueuedMessage] = {}
        self._rounds: deque[tuple[tuple[Reading, ...], Now]] = deque()
        self.rounds_lost = 0
        """How many rounds were too many to wait."""

    def add_closed(self, incident: Incident) -> None:
        """Let `incident` wait."""
        self._closed[incident.id] = incident

    def add_ended(self, entry: QueuedMessage) -> None:
        """Let `entry` wait, which has left the outbox."""
        self._ended[entry.id] = entry

    def add_round(self, readings: Sequence[Reading], now: Now) -> None:
        """Let the round that ended at `now` wait; the oldest gives way where they are too many."""
        self._rounds.append((tuple(readings), now))
        if len(self._rounds) > ROUNDS:
            self._rounds.popleft()
            self.rounds_lost += 1

    def write(self, connection: Connection) -> None:
        """Write all that waits, which stays until clear(): the transaction may yet fail."""
        outbox.write(connection, self._ended.values())
        for incident in self._closed.values():
            incidents.write(connection, incident)
        if not self._rounds:
            return
        # A commit that was said to have failed may have succeeded: no round counts twice.
        moments = [now for _, now in self._rounds]
        last = documents.get(connection, documents.ROUND, Now)
        waiting = list(self._rounds)
        if last in moments:
            waiting = waiting[moments.index(last) + 1 :]
        for readings, now in waiting:
            history.add(connection, readings, now.wall)
        documents.put(connection, documents.ROUND, moments[-1])

    def clear(self) -> None:
        """Forget all of it: the file has it."""
        self._closed.clear()
        self._ended.clear()
        self._rounds.clear()
        self.rounds_lost = 0
