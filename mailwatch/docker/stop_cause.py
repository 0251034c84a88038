"""How a container's run came to its end: by an order, by itself, or by a restart of our own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Condition
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.record import (
    condition_of,
    moment,
    number,
    part,
    stop_ordered,
    text,
)

_STOP_S = 120.0
"""How long `docker stop --time` may have been told to wait: the engine does not tell."""

_KILL_S = 30.0
_INSPECT_S = 5


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A restart of ours of which it is not known, or known, that it only stopped the container."""

    identity: str
    started: str
    finished: str | None
    """When the container ended, as the engine writes it; None while it had not."""
    until: float
    """On the steady clock: how long the engine may still carry the restart out."""


class Ends:
    """Remembers how one container ended, for the engine soon forgets; use it from one thread."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unfinished: _Unfinished | None = None
        self._ordered: tuple[str, str, bool] | None = None
        """Identity, FinishedAt, and whether that end was ordered."""

    def condition(self, container: Mapping[str, Any], deadline: Deadline) -> tuple[Condition, str]:
        """Return what the container is doing, and a sentence about it or nothing."""
        left = self.left_stopped(container, deadline)
        ordered = None if left else self._was_ordered(container, deadline)
        return condition_of(container, ordered=ordered, left_stopped=left)

    def left_stopped(self, container: Mapping[str, Any], deadline: Deadline) -> bool:
        """Whether it has ended by the work of a restart of ours that got no further."""
        ours, state = self._unfinished, part(container, "State")
        if not is_over(container):
            return False
        finished = text(state, "FinishedAt")
        if ours is None or (ours.identity, ours.started) != (
            text(container, "Id"),
            text(state, "StartedAt"),
        ):
            return False
        if ours.finished is None and deadline.clock() < ours.until:
            self._unfinished = ours = replace(ours, finished=finished)
        return ours.finished == finished

    def cut_short(self, before: Mapping[str, Any], until: float) -> None:
        """Note that a restart of ours failed, which the engine may carry out `until` (steady)."""
        state = part(before, "State")
        self._unfinished = _Unfinished(text(before, "Id"), text(state, "StartedAt"), None, until)

    def found_stopped(self, container: Mapping[str, Any]) -> None:
        """Note that it is over, and that the restart which was cut short has done that."""
        if self._unfinished is not None:
            finished = text(part(container, "State"), "FinishedAt")
            self._unfinished = replace(self._unfinished, finished=finished)

    def settle(self) -> None:
        """Note that no restart of ours is unfinished."""
        self._unfinished = None

    def _was_ordered(self, container: Mapping[str, Any], deadline: Deadline) -> bool | None:
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
            began = max(began, until - _stop_takes_s(container))
        elif self._ordered is not None and self._ordered[:2] == (identity, finished):
            return self._ordered[2]
        else:
            until = ended + 2
        try:
            events = self._link.engine(deadline).events(
                identity, began, until, deadline.sooner(_INSPECT_S)
            )
        except EngineFault:
            self._link.close()
            return None
        ordered = stop_ordered(events)
        if ordered is not None and not running:
            self._ordered = (identity, finished, ordered)
        return ordered


def is_over(container: Mapping[str, Any]) -> bool:
    """Whether the engine says that the container has run and does so no more."""
    return text(part(container, "State"), "Status") in ("exited", "stopped")


def _stop_takes_s(container: Mapping[str, Any]) -> float:
    """Return how many seconds after its order an end may still be under way."""
    return max(_STOP_S, number(part(container, "Config"), "StopTimeout") + _KILL_S)
