"""Looks at one Docker container and restarts it, however badly the engine behaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis
from mailwatch.core.facts import fact
from mailwatch.core.keys import Key, Kind, whole
from mailwatch.core.model import Asked, Condition, Description, Target, TargetState
from mailwatch.core.sentences import Sentences
from mailwatch.core.state import Left
from mailwatch.docker.container import Container
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.glance import glance
from mailwatch.docker.listeners import Behind, behind
from mailwatch.docker.neighbours import sharers
from mailwatch.docker.network import elsewhere, inside, is_guest, published
from mailwatch.docker.process import has_ended, runs_for
from mailwatch.docker.record import (
    LONGEST_STOP_S,
    Record,
    condition_of,
    is_over,
    part,
    state_of,
    stop_timeout_s,
    text,
)
from mailwatch.docker.source_address import seen_as
from mailwatch.docker.stop_cause import Ends
from mailwatch.host.ground import Ground
from mailwatch.restarters import RestartError

SENTENCES: Sentences = {"target-docker": "container {name:80}"}

KIND = "docker"

START_S = 20
"""The engine's time to start a container again, on top of the time for stopping it."""

SETTLE_S = 10
"""The time to find out what became of a restart whose answer did not come."""

LOOK_AGAIN_S = 0.5

LIST_S = 1.0
"""What it may take the engine to list all containers; some milliseconds on an idle host."""

CATCH_UP_S = 1.0
"""The engine's time to hear that a container has ended; 10 ms on an idle host."""

_CATCH_UP_EVERY_S = 0.05
_SERVING = (Condition.RUNNING, Condition.STARTING)


@dataclass(frozen=True, slots=True)
class Settings:
    """Which container, behind which socket.

    `stop_timeout_s` (whole seconds, >= 1) is how long the container may take to end before it
    is killed; the container's own StopTimeout counts where it is longer.
    """

    container: str = "stalwart"
    socket: str = "/var/run/docker.sock"
    stop_timeout_s: int = 30

    @property
    def longest_restart_s(self) -> float:
        """The deadline, in seconds, with which `restart` never has to hurry."""
        return self.stop_timeout_s + START_S + SETTLE_S


KEYS = (
    Key("container", Kind.TEXT, "stalwart",
        "Name of the container to restart, as `docker ps` shows it.", "CONTAINER_NAME",
        pattern=r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", flag="--container",
        rule="a container's name of letters, digits, `_`, `.` and `-`, as `docker ps` shows it"),
    Key("socket", Kind.PATH, Path("/var/run/docker.sock"),
        "Socket of the Docker engine.", "DOCKER_SOCKET", flag="--docker-socket", shape=str),
    whole("stop_timeout_s", 30, 1, LONGEST_STOP_S,
          "Seconds that the container gets to stop by itself before the engine kills it; its own "
          "`stop_grace_period` counts where that is longer."),
)  # fmt: skip


def add_ports(state: TargetState, asked: Asked, deadline: Deadline) -> TargetState:
    """Return `state` with what is known of the ports of this host that lead to the container.

    It is told by the record that `state` has, and by the processes of this host.
    """
    container = state.record
    if not container:
        return state
    found = Behind()
    if state.condition in _SERVING:
        ports = inside(published(container), asked.ports, loopback=True)
        found = behind(container, ports, deadline)
    return replace(
        state,
        seen_as=seen_as(container, asked.hosts, asked.introduced),
        listens=found.listens,
        unheard=found.unheard,
        elsewhere=elsewhere(container, asked.ports),
    )


def examiner(settings: Settings) -> Container:
    """Return what the black box looks through."""
    return Container(settings.socket, settings.container)


def examine(settings: Settings, ground: Ground) -> Iterator[Diagnosis]:
    """Give what the doctor finds of the socket, the engine, the container and its ports."""
    from mailwatch.restarters import docker_doctor

    return docker_doctor.examine(
        settings.socket, settings.container, settings.stop_timeout_s, ground
    )


class DockerRestarter:
    """One container by its name; use it from one thread.

    The container is looked up anew each time, for compose gives it a new id whenever it
    recreates it. Whether somebody stopped it is remembered, for the engine soon forgets.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = settings.container
        self._container = Container(settings.socket, settings.container)
        self._ends = Ends(self._container)
        self._waited_in_vain_for: tuple[str, str] | None = None
        """Identity and StartedAt of a run that has no process here."""

    def describe(self) -> Description:
        """Return what is restarted here, without looking at it."""
        return Description(Target(KIND, self._name), f"docker logs --since 30m {self._name}")

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what the container is doing; it never raises, and ends with `deadline`."""
        try:
            container = self._caught_up(self._container.container(deadline), deadline)
            state = self._state(container, deadline)
        except EngineFault as fault:
            told = None
            if fault.condition is Condition.MISSING:
                told = self._ends.of_the_missing(self._name, deadline)
            return TargetState(*(told or (fault.condition, fault.reason)))
        own_s = self._stop_s(container)
        state = replace(
            state,
            stops_later_s=own_s - self._settings.stop_timeout_s,
            sharers=self._sharers(container, deadline),
        )
        if state.condition not in _SERVING:
            return state
        return replace(state, runs_for_s=runs_for(container), guest=is_guest(container))

    def glance(self, deadline: Deadline) -> TargetState:
        """Return whether the container is there to be restarted, without the SDK's memory."""
        try:
            container = glance(self._settings.socket, self._name, deadline)
        except EngineFault as fault:
            return TargetState(fault.condition, fault.reason)
        return state_of(container, *condition_of(container, ordered=False))

    def restart(self, deadline: Deadline, seen: TargetState | None = None) -> None:
        """Stop the container, kill it if it does not end, and start it; also if it was stopped.

        If it was started anew since it was `seen`, nothing is left to do; if somebody stopped or
        paused it since, or is about to, it stays as they want it. With less than
        `Settings.longest_restart_s` it gets less time to end. When the engine's answer does not
        come, what became of the container decides. Raises RestartError, which is permanent if the
        container is missing or access denied.
        """
        left: Left | None = Left()
        try:
            before = self._container.container(deadline)
            if seen is not None and self._was_started_since(before, seen, deadline):
                return
            left = None
            self._restart(before, deadline)
        except EngineFault as fault:
            if left is None and fault.condition is Condition.MISSING:
                fault = self._replaced()
            if fault.crossed:
                left = Left()
            elif left is None and not fault.undecided:
                left = self._left_by_us(before, deadline)
            raise RestartError(
                fault.reason,
                permanent=fault.condition in (Condition.DENIED, Condition.MISSING),
                intervened=fault.crossed,
                left=left,
            ) from None

    def close(self) -> None:
        """Give the connection to the engine back; the next call makes a new one."""
        self._container.close()

    def _caught_up(self, container: Record, deadline: Deadline) -> Record:
        """Return the container as it is once the engine has heard of its end.

        An engine that never does is another host's, and is waited for once in each of its runs.
        """
        now = deadline.clock()
        until = now + min(CATCH_UP_S, (deadline.at - now) / 2)
        while has_ended(container):
            run = _run_of(container)
            if run == self._waited_in_vain_for or deadline.clock() >= until:
                self._waited_in_vain_for = run
                break
            time.sleep(_CATCH_UP_EVERY_S)
            container = self._container.container(deadline)
        return container

    def _state(self, container: Record, deadline: Deadline) -> TargetState:
        ordered = self._ends.was_ordered(container, deadline)
        return state_of(container, *condition_of(container, ordered=ordered))

    def _stop_s(self, container: Record) -> int:
        """Return how long it gets to end: what we allow it, or its own settings."""
        return max(self._settings.stop_timeout_s, stop_timeout_s(container))

    def _sharers(self, container: Record, deadline: Deadline) -> tuple[str, ...]:
        try:
            return sharers(container, self._container.all(deadline.sooner(LIST_S)))
        except EngineFault:  # it may allow no list, and nothing depends on that
            return ()

    def _was_started_since(self, container: Record, seen: TargetState, deadline: Deadline) -> bool:
        """Whether somebody did our work since it was `seen`; raises if they stopped it instead."""
        now = self._state(container, deadline)
        condition = now.condition
        if condition in _SERVING and now.started_at != seen.started_at:
            return True
        ended_since = (now.identity, now.finished_at) != (seen.identity, seen.finished_at)
        if (
            condition in (Condition.PAUSED, Condition.REMOVING)
            or (condition is Condition.STARTING and seen.condition is Condition.RUNNING)
            or (condition in (Condition.STOPPED, Condition.ENDED) and ended_since)
        ):
            raise EngineFault(condition, fact("restart-left-alone", found=now.detail), crossed=True)
        return False

    def _restart(self, before: Record, deadline: Deadline) -> None:
        left_s = deadline.remaining()
        settle_s = min(SETTLE_S, left_s / 4)
        stop_s = max(1, min(self._stop_s(before), int(left_s - settle_s - START_S)))
        call = deadline.sooner(min(stop_s + START_S, left_s - settle_s))
        try:
            done = self._container.restart(text(before, "Id"), stop_s, call)
        except EngineFault as fault:
            if fault.crossed:
                # Whoever ended it may be about to start it; if not, it stays as they want it.
                if not self._starts_anew(before, deadline.sooner(SETTLE_S), ourselves=False):
                    raise
            elif not fault.undecided:
                raise
            elif not self._starts_anew(before, deadline, ourselves=True):
                late = fact("restart-late", name=self._name)
                raise EngineFault(Condition.UNREACHABLE, late, undecided=True) from None
            return
        if not done:
            now = self._container.container(deadline)
            if text(now, "Id") != text(before, "Id"):
                raise self._replaced()
            raise EngineFault(Condition.UNREACHABLE, fact("container-lacks", name=self._name))

    def _starts_anew(self, before: Record, deadline: Deadline, *, ourselves: bool) -> bool:
        """Whether the container was started since `before`, by `deadline` at the latest.

        With `ourselves` it is started where it has ended, once.
        """
        while True:
            now = self._container.container(deadline)
            if text(now, "Id") != text(before, "Id"):
                raise self._replaced()
            if _run_of(now) != _run_of(before):
                return True
            if is_over(now) and ourselves:
                ourselves = False
                self._container.start(text(now, "Id"), deadline)
                continue
            time.sleep(min(LOOK_AGAIN_S, max(0, deadline.at - deadline.clock())))
            # Asked after the sleep, which a busy host may draw out.
            if deadline.at - deadline.clock() <= LOOK_AGAIN_S:
                return False  # the next look would have less time than one may take

    def _left_by_us(self, before: Record, deadline: Deadline) -> Left | None:
        """After a no: return what the engine had stopped by then, None where that is hidden."""
        try:
            now = self._container.container(deadline)
        except EngineFault as fault:
            return Left() if fault.condition is Condition.MISSING else None
        if not is_over(now) or is_over(before):
            return Left()
        state = self._state(now, deadline)
        return Left(state.identity, state.finished_at)

    def _replaced(self) -> EngineFault:
        replaced = fact("container-replaced", name=self._name)
        return EngineFault(Condition.UNREACHABLE, replaced, crossed=True)


def _run_of(container: Record) -> tuple[str, str]:
    """Return what no other run has: the container's identity, and when it was started."""
    return text(container, "Id"), text(part(container, "State"), "StartedAt")


RESTARTER = DockerRestarter
