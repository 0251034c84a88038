"""What the Docker engine tells of one container for the black box: state, log and processes."""

from __future__ import annotations

from collections.abc import Mapping

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import NotReadable
from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.docker.engine import Engine
from mailwatch.docker.record import Record

MOST_LINES = 400
_PS = "-eo pid,ppid,stat,etimes,rss,wchan:32,comm"
_COLUMNS = ("pid", "ppid", "stat", "etimes", "rss", "wchan", "comm")
"""No arguments of processes: they are where passwords are found."""


class DockerExaminer:
    """One container by its name, on a connection of its own; use it from one thread.

    Every method raises NotReadable, whose kind is the condition that an inspection reports.
    """

    def __init__(self, socket: str, name: str) -> None:
        self._name = name
        self._engine = Engine(socket)

    def container(self, deadline: Deadline) -> Record:
        """Return what `docker inspect` shows."""
        found = self._engine.container(self._name, deadline)
        if found is None:
            raise NotReadable(fact("container-absent", name=self._name), Condition.MISSING)
        return found

    def log(self, since: float, deadline: Deadline) -> bytes:
        """Return at most MOST_LINES of the log since `since` (seconds since 1970)."""
        moment = max(1, int(since))  # the SDK takes 0 for a mistake
        return self._engine.log(self._name, moment, MOST_LINES, deadline)

    def processes(self, deadline: Deadline) -> list[Mapping[str, str]]:
        """Return the processes with the columns of ps(1) that _COLUMNS names."""
        table = self._engine.top(self._name, _PS, deadline)
        return [dict(zip(_COLUMNS, row, strict=False)) for row in table]

    def close(self) -> None:
        """Give the connection to the engine back."""
        self._engine.close()
