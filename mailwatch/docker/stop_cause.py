"""Whether a container's run was ended by an order, or by itself."""

from __future__ import annotations

import time

from mailwatch.core.deadline import Deadline
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.record import Record, is_over, moment, number, part, stop_ordered, text

_STOP_S = 120.0
"""How long `docker stop --time` may have been told to wait: the engine does not tell."""

_KILL_S = 30.0
"""How long after that an end may still be under way."""

_INSPECT_S = 5


class Ends:
    """Remembers how one container ended, for the engine soon forgets; use it from one thread."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._ordered: tuple[str, str, bool] | None = None
        """Identity, FinishedAt, and whether that end was ordered."""

    def was_ordered(self, container: Record, deadline: Deadline) -> bool | None:
        """Whether the engine was told to end this run, None if it does not know any more.

        For a container that runs, True means that its end is under way: it may take a minute.
        """
        state, identity = part(container, "State"), text(container, "Id")
        finished = text(state, "FinishedAt")  # of the run before, where it runs
        began, ended = moment(text(state, "StartedAt")), moment(finished)
        running = text(state, "Status") == "running"
        if began is None or not (running or (is_over(container) and ended is not None)):
            return None
        if running or ended is None:
            until = time.time()
            asked_s = number(part(container, "Config"), "StopTimeout")
            began = max(began, until - max(_STOP_S, asked_s + _KILL_S))
        elif self._ordered is not None and self._ordered[:2] == (identity, finished):
            return self._ordered[2]
        else:
            until = ended + 2
        try:
            limit = deadline.sooner(_INSPECT_S)
            events = self._link.engine(deadline).events(identity, began, until, limit)
        except EngineFault:
            self._link.close()
            return None
        ordered = stop_ordered(events)
        if ordered is not None and not running:
            self._ordered = (identity, finished, ordered)
        return ordered
