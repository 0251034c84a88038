"""Whether a container's run was ended by an order, or by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition
from mailwatch.core.text import printable
from mailwatch.docker.container import Container
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.record import Record, is_over, moment, number, part, text

_HARMLESS_SIGNALS = frozenset({"1", "10", "12", "17", "18", "19", "20", "23", "28"})
"""HUP, USR1, USR2, CHLD, CONT, STOP, TSTP, URG, WINCH: sent to be heard, not to end anything."""

_RM_S = 10.0
"""How soon after its end the engine removes a container with `--rm`; a person is slower."""

_STOP_S = 120.0
"""How long `docker stop --time` may have been told to wait: the engine does not tell."""

_KILL_S = 30.0
"""How long after that an end may still be under way."""

_INSPECT_S = 5


class Ends:
    """Remembers how one container ended, for the engine soon forgets; use it from one thread."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._known: tuple[tuple[str, str], bool] | None = None
        """Identity and FinishedAt of an end, and whether it was ordered."""
        self._absence: tuple[Condition, Fact] | None = None
        """What became of it, None while it is there or nobody knows."""

    def of_the_missing(self, name: str, deadline: Deadline) -> tuple[Condition, Fact] | None:
        """Return what became of the container `name`, None where the engine does not know."""
        if self._absence is None:
            with suppress(EngineFault):
                until = time.time()
                events = self._container.events(None, 1.0, until, deadline.sooner(_INSPECT_S))
                self._absence = what_became_of(name, events)
        return self._absence

    def was_ordered(self, container: Record, deadline: Deadline) -> bool | None:
        """Whether the engine was told to end this run, None if it does not know any more.

        For a container that runs, True means that its end is under way: it may take a minute.
        """
        self._absence = None
        state, identity = part(container, "State"), text(container, "Id")
        end = (identity, text(state, "FinishedAt"))  # of the run before, where it runs
        began, ended = moment(text(state, "StartedAt")), moment(end[1])
        running = text(state, "Status") == "running"
        if began is None or not (running or (is_over(container) and ended is not None)):
            return None
        if running or ended is None:
            until = time.time()
            asked_s = number(part(container, "Config"), "StopTimeout")
            began = max(began, until - max(_STOP_S, asked_s + _KILL_S))
        elif self._known is not None and self._known[0] == end:
            return self._known[1]
        else:
            until = ended + 2
        try:
            events = self._container.events(identity, began, until, deadline.sooner(_INSPECT_S))
        except EngineFault:
            return None
        ordered = stop_ordered(events)
        if ordered is not None and not running:
            self._known = (end, ordered)
        return ordered


def stop_ordered(events: Iterable[Record]) -> bool | None:
    """Return whether the engine was told to end the last run that `events` show.

    They are the `start`, `kill`, `stop` and `die` events of one container, oldest first (on
    engine 29 only `Action`, `Actor`, `Type`, `scope` and `time` exist). None if they do not
    reach back to its end: an engine keeps 256 events of all containers, and none when it is
    restarted. A kill with a signal that is not meant to end anything is no order.
    """
    ordered = died = False
    for event in events:
        action = text(event, "Action")
        if action == "start":
            ordered = died = False
        elif action == "die":
            died = True
        elif _is_order(event):
            ordered = True
    return ordered if died or ordered else None


def _is_order(event: Record) -> bool:
    action, signal = text(event, "Action"), text(_attributes(event), "signal")
    return action == "stop" or (action == "kill" and signal not in _HARMLESS_SIGNALS)


def _attributes(event: Record) -> Record:
    return part(part(event, "Actor"), "Attributes")


def what_became_of(name: str, events: Iterable[Record]) -> tuple[Condition, Fact] | None:
    """Return what `events`, of all containers, tell of the one called `name` that is not there.

    It is REMOVED where somebody ordered that, or an end that a removal followed at once; MISSING
    where it removed itself with its end (`docker run --rm`), or has another name now. None where
    the engine does not remember.
    """
    ordered, died_at = False, float("-inf")
    found = None
    for event in events:
        action, about, at = text(event, "Action"), _attributes(event), number(event, "time")
        if action == "rename" and text(about, "oldName").removeprefix("/") == name:
            other = printable(text(about, "name"))
            found = Condition.MISSING, fact("container-renamed", name=name, other=other, at=at)
        elif text(about, "name") != name:
            continue
        elif action in ("start", "rename"):
            ordered, died_at, found = False, float("-inf"), None
        elif action == "die":
            died_at = at
        elif action == "destroy" and (ordered or at - died_at > _RM_S):
            found = Condition.REMOVED, fact("container-removed", name=name, at=at)
        elif action == "destroy":
            found = Condition.MISSING, fact("container-removed-itself", name=name, at=at)
        elif _is_order(event):
            ordered = True
    return found
