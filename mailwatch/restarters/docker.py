"""Looks at one Docker container and restarts it, however badly the engine behaves."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.core.text import join_words, printable
from mailwatch.docker.engine_client import Link
from mailwatch.docker.faults import EngineFault
from mailwatch.docker.listeners import Behind, behind
from mailwatch.docker.network import elsewhere
from mailwatch.docker.process import has_ended, runs_for
from mailwatch.docker.record import moment, part, text
from mailwatch.docker.settings import SETTLE_S, START_S, DockerSettings
from mailwatch.docker.source_address import seen_as
from mailwatch.docker.stop_cause import Ends, is_over
from mailwatch.restarters.errors import RestartError

LOOK_AGAIN_S = 0.5

CATCH_UP_S = 1.0
"""The engine's time to hear that a container has ended; 10 ms on an idle host."""

_CATCH_UP_EVERY_S = 0.05

LISTENERS_S = 1.5
"""What it may take to see what listens; on an idle host that takes a millisecond."""

_SERVING = frozenset({Condition.RUNNING, Condition.STARTING})
_NAMES_SHOWN = 3


class DockerRestarter:
    """One container by its name; use it from one thread.

    The container is looked up anew each time, for compose gives it a new id whenever it
    recreates it. Whether somebody stopped it is remembered, for the engine soon forgets.
    """

    def __init__(
        self,
        settings: DockerSettings,
        asked: frozenset[int] = frozenset(),
        hosts: frozenset[str] = frozenset({"127.0.0.1"}),
        introduced: frozenset[str] = frozenset(),
    ) -> None:
        """`asked` are the ports of this host's loopback of which a look says what listens.

        `hosts` are the addresses at which the services are asked, but for those `introduced`,
        where a PROXY header of version 1 says who we are.
        """
        self._settings = settings
        self._asked = asked
        self._hosts = hosts
        self._introduced = introduced
        self._link = Link(settings.socket)
        self._ends = Ends(self._link)
        self._waited_in_vain_for: tuple[str, str] | None = None
        """Identity and StartedAt of a run that has no process here."""

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what the container is doing; it never raises, and ends with `deadline`."""
        try:
            container = self._caught_up(self._look(deadline), deadline)
            if container is None:
                return self._missing(deadline)
            return self._state(container, deadline)
        except EngineFault as fault:
            self.close()
            return TargetState(fault.condition, words(str(fault)))

    def restart(self, deadline: Deadline, seen: TargetState | None = None) -> None:
        """Stop the container, kill it if it does not end, and start it; also if it was stopped.

        `seen` is how it was when the restart was decided. If it was started anew since, nothing
        is left to do; if somebody stopped or paused it since, or is about to, it stays as they
        want it.

        Give it `DockerSettings.longest_restart_s`; with less, the container gets less time to
        end. When the engine's answer does not come, what became of the container decides.
        Raises RestartError, which is permanent if the container is missing or access denied.
        """
        try:
            self._restart(deadline, seen)
        except EngineFault as fault:
            self.close()
            raise RestartError(
                str(fault),
                permanent=fault.condition in (Condition.DENIED, Condition.MISSING),
                intervened=fault.crossed,
            ) from None

    def close(self) -> None:
        """Give the connection to the engine back; the next call makes a new one."""
        self._link.close()

    def _look(self, deadline: Deadline) -> Mapping[str, Any] | None:
        """Return the container of exactly our name; the engine finds ids and their starts too."""
        found = self._link.engine(deadline).container(self._settings.container, deadline)
        if found is None or text(found, "Name") == f"/{self._settings.container}":
            return found
        name = printable(text(found, "Name").removeprefix("/"))
        raise EngineFault(
            Condition.MISSING,
            f"There is no container named {self._name}; the one with that id is named {name}: put"
            " that name into [restart] container, for ids change.",
        )

    def _caught_up(
        self, container: Mapping[str, Any] | None, deadline: Deadline
    ) -> Mapping[str, Any] | None:
        """Return the container as it is once the engine has heard of its end.

        An engine that never does is another host's, and is waited for once in each of its runs.
        """
        now = deadline.clock()
        until = now + min(CATCH_UP_S, (deadline.at - now) / 2)
        while container is not None and has_ended(container):
            run = (text(container, "Id"), text(part(container, "State"), "StartedAt"))
            if run == self._waited_in_vain_for:
                break
            if deadline.clock() >= until:
                self._waited_in_vain_for = run
                break
            time.sleep(_CATCH_UP_EVERY_S)
            container = self._look(deadline)
        return container

    def _missing(self, deadline: Deadline) -> TargetState:
        try:
            names = sorted(self._link.engine(deadline).names(deadline))
        except EngineFault:
            self.close()
            names = []
        near = difflib.get_close_matches(self._settings.container, names, _NAMES_SHOWN, 0.5)
        # A compose project puts its own name before the service's and a number behind it.
        near += [name for name in names if self._settings.container in name and name not in near]
        if near:
            shown = [printable(name) for name in near[:_NAMES_SHOWN]]
            hint = f" (did you mean {join_words(shown, 'or')}?)"
        elif names:
            hint = f" (Docker has {len(names)} of other names)"
        else:
            hint = ""
        return TargetState(
            Condition.MISSING,
            words(
                f"There is no container named {self._name}{hint}: create it, or correct"
                " [restart] container (`docker ps -a` lists all)."
            ),
        )

    def _state(self, container: Mapping[str, Any], deadline: Deadline) -> TargetState:
        condition, detail = self._ends.condition(container, deadline)
        inside = Behind()
        if condition in _SERVING:
            inside = behind(container, self._asked, deadline.sooner(LISTENERS_S))
        return replace(
            _bare_state(container, condition, detail),
            seen_as=seen_as(container, self._hosts, self._introduced),
            listens=inside.listens,
            unheard=inside.unheard,
            runs_for_s=runs_for(container) if condition in _SERVING else None,
            elsewhere=elsewhere(container, self._asked),
        )

    def _restart(self, deadline: Deadline, seen: TargetState | None) -> None:
        before = self._look(deadline)
        if before is None:
            raise EngineFault(Condition.MISSING, say(self._missing(deadline).detail))
        if seen is not None and self._was_started_since(before, seen, deadline):
            return
        identity = text(before, "Id")
        left_s = deadline.remaining()
        settle_s = min(SETTLE_S, left_s / 4)
        stop_s = max(1, min(self._settings.stop_timeout_s, int(left_s - settle_s - START_S)))
        call = deadline.sooner(min(stop_s + START_S, left_s - settle_s))
        try:
            done = self._link.engine(deadline).restart(identity, stop_s, call)
        except EngineFault as fault:
            self.close()
            self._after_failure(before, fault, deadline)
        else:
            if not done:
                raise self._replaced()
        self._ends.settle()

    def _was_started_since(
        self, container: Mapping[str, Any], seen: TargetState, deadline: Deadline
    ) -> bool:
        """Whether somebody did our work since it was `seen`; raises if they stopped it instead."""
        condition, detail = self._ends.condition(container, deadline)
        now = _bare_state(container, condition, detail)
        if condition in _SERVING and now.started_at != seen.started_at:
            return True
        ended_since = (now.identity, now.finished_at) != (seen.identity, seen.finished_at)
        is_theirs = (
            condition in (Condition.PAUSED, Condition.REMOVING)
            or (condition is Condition.STARTING and seen.condition is Condition.RUNNING)
            or (condition is Condition.STOPPED and ended_since)
        )
        if is_theirs:
            raise EngineFault(condition, f"It was left alone. {detail}", crossed=True)
        return False

    def _after_failure(
        self, before: Mapping[str, Any], fault: EngineFault, deadline: Deadline
    ) -> None:
        """Return if the restart happened all the same, start what it left stopped, or raise."""
        if fault.crossed:
            # Whoever ended it may be about to start it; if not, it stays as they want it.
            if self._starts_anew(before, deadline.sooner(SETTLE_S), ourselves=False):
                return
            raise fault
        # What an earlier restart of ours left stopped is still not an operator's doing.
        if not self._ends.left_stopped(before, deadline):
            until = deadline.clock() + self._settings.stop_timeout_s + START_S
            self._ends.cut_short(before, until)
            if not fault.undecided:
                self._remember_what_is_left(before, deadline)
        if not fault.undecided:
            raise fault
        if not self._starts_anew(before, deadline, ourselves=True):
            raise EngineFault(
                Condition.UNREACHABLE,
                f"Docker did not finish restarting {self._name} in time, and may still do it:"
                f" see `docker ps -a` and `journalctl -u docker`.",
            )

    def _starts_anew(
        self, before: Mapping[str, Any], deadline: Deadline, *, ourselves: bool
    ) -> bool:
        """Whether the container was started since `before`, by `deadline` at the latest.

        With `ourselves` it is started where it has ended, once.
        """
        while True:
            now = self._look(deadline)
            if now is None or text(now, "Id") != text(before, "Id"):
                raise self._replaced()
            if text(part(now, "State"), "StartedAt") != text(part(before, "State"), "StartedAt"):
                return True
            if is_over(now) and ourselves:
                ourselves = False
                self._link.engine(deadline).start(text(now, "Id"), deadline)
                continue
            time.sleep(min(LOOK_AGAIN_S, max(0, deadline.at - deadline.clock())))
            # Asked after the sleep, which a busy host may draw out.
            if deadline.at - deadline.clock() <= LOOK_AGAIN_S:
                return False  # the next look would have less time than one may take

    def _remember_what_is_left(self, before: Mapping[str, Any], deadline: Deadline) -> None:
        """After a no: keep in mind whether the engine had stopped the container already."""
        try:
            now = self._look(deadline)
        except EngineFault:
            return
        if now is not None and is_over(now) and not is_over(before):
            self._ends.found_stopped(now)
        else:
            self._ends.settle()

    def _replaced(self) -> EngineFault:
        return EngineFault(
            Condition.UNREACHABLE,
            f"{self._name} was removed or replaced while it was being restarted: see"
            " `docker ps -a`.",
            crossed=True,
        )

    @property
    def _name(self) -> str:
        return printable(self._settings.container)


def _bare_state(container: Mapping[str, Any], condition: Condition, detail: str) -> TargetState:
    """Return what the record alone tells of the container."""
    state = part(container, "State")
    return TargetState(
        condition,
        words(detail),
        moment(text(state, "StartedAt")),
        moment(text(state, "FinishedAt")),
        printable(text(container, "Id")),
    )
