"""Runs conversations: any number of them at once on one thread, or a single one where it is asked.

A conversation is a generator. Where it has to wait it yields what it waits for, a `Wait`, and is
resumed with whether that came in time.
"""

from __future__ import annotations

import math
import os
import select
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeAlias, TypeVar

from mailwatch.core.deadline import Clock
from mailwatch.host import threads
from mailwatch.host.job import Job
from mailwatch.net.errors import ConversationError, reason_of

T = TypeVar("T")

SLACK_S = 0.25
"""How much longer a wait may be than it was to be, and how long the work between two of them."""

_MOST_A_TURN = 50
"""Conversations that are begun or gone on with before the engine looks at its deadlines again."""


class Wait:
    """What is waited for until the moment `until`: a descriptor, a job, or the time alone.

    `fd` is polled for `wants` (POLLIN, POLLOUT) unless it is -1. `watched` belongs to the engine.
    """

    fd = -1
    wants = 0
    watched = 0
    """What the engine has this descriptor polled for; 0 for a new descriptor."""

    def __init__(self, until: float, job: Job[Any] | None = None) -> None:
        self.until = until
        self.job = job


Steps: TypeAlias = Generator[Wait, bool, T]
"""A conversation, or a part of one, that ends in a T; to be called with `yield from`."""


def run(steps: Steps[T], clock: Clock = time.monotonic) -> T:
    """Hold one conversation on this thread, and return what it ends in; raises as it does."""
    poll = select.poll()
    try:
        wait = next(steps)
        while True:
            left_s = max(0.0, wait.until - clock())
            if wait.job:
                ready = wait.job.ends_within(left_s)
            elif wait.fd < 0:
                time.sleep(left_s)
                ready = False
            else:
                poll.register(wait.fd, wait.wants)
                # In milliseconds, rounded up; and a last look after a time that stood still.
                ready = bool(poll.poll(math.ceil(1000 * left_s)) or poll.poll(0))
                poll.unregister(wait.fd)
            wait = steps.send(ready)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # the T of steps


class _Task:
    """One conversation under way: what it waits for, and the first moment to look at it."""

    __slots__ = ("fd", "looked_at", "steps", "wait")

    def __init__(self, steps: Steps[None]) -> None:
        self.steps = steps
        self.wait: Wait | None = None
        self.fd = -1
        self.looked_at = math.inf


class Engine:
    """One thread, started with the first conversation, on which no peer delays another's.

    Conversations are begun from any thread, and answer for themselves: what one raises is lost.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.lost_s = 0.0
        """How long this thread has been kept from its work so far.

        Summed over its waits, and its work between two of them, that is what each took beyond what
        was asked for and SLACK_S: the process was stopped, or its host gave it no processor. It is
        counted before anybody is told that their time is up.
        """
        self._noted_at = 0.0
        self._clock = clock
        self._starting = threading.Lock()
        self._poll: select.epoll | None = None
        self._bell = -1
        self._runs = False
        self._called: deque[_Task] = deque()
        """Those that other threads have begun, or whose jobs have ended there."""
        self._watched: dict[int, tuple[_Task, Wait]] = {}
        self._moments: list[tuple[float, int, _Task]] = []
        self._numbers = count()

    def begin(self, conversations: Iterable[Steps[None]]) -> None:
        """Begin `conversations`, and return at once.

        Raises ConversationError, unmeasured, where the system allows no thread or descriptor.
        """
        with self._starting:
            if not self._runs:
                self._start()
        self._call(*map(_Task, conversations))

    def _start(self) -> None:
        try:
            if self._poll is None:
                self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                self._poll = select.epoll()
                self._poll.register(self._bell, select.EPOLLIN)
            threads.start(self._work, "engine")
        except RuntimeError:
            raise ConversationError(None, threads.WITHOUT) from None
        except OSError as error:
            raise ConversationError.of(None, "no-socket", why=reason_of(error)) from None
        self._runs = True

    def _call(self, *tasks: _Task) -> None:
        self._called.extend(tasks)
        os.eventfd_write(self._bell, 1)

    def _work(self) -> None:
        assert self._poll
        self._noted_at = self._clock()
        while True:
            asked_s = 0.0 if self._called else max(0.0, self._next_at() - self._note_time())
            events = self._poll.poll(None if asked_s == math.inf else asked_s, _MOST_A_TURN)
            self._note_time(asked_s)
            self._take(events)
            self._judge()

    def _note_time(self, asked_s: float = 0.0) -> float:
        """Return the time, and count what of it was lost since the last call."""
        now = self._clock()
        lost_s = now - self._noted_at - asked_s - SLACK_S
        if lost_s > 0:
            self.lost_s += lost_s
        self._noted_at = now
        return now

    def _next_at(self) -> float:
        """Return the first moment at which to look at a conversation, which is not over by then."""
        moments = self._moments
        while moments and moments[0][0] != moments[0][2].looked_at:
            heappop(moments)
        return moments[0][0] if moments else math.inf

    def _take(self, events: Iterable[tuple[int, int]]) -> None:
        for fd, _ in events:
            if fd == self._bell:
                os.eventfd_read(fd)
            else:
                self._step(self._watched[fd][0], ready=True)
        for _ in range(min(len(self._called), _MOST_A_TURN)):
            task = self._called.popleft()
            if task.wait is None or (task.wait.job and task.wait.job.is_over):
                self._step(task, ready=True)

    def _judge(self) -> None:
        """Tell those whose time is up, but not before they have heard what has come by now.

        It may be up because this process stood still, and not the peer.
        """
        now = self._note_time()
        if self._next_at() > now:
            return
        assert self._poll
        self._take(self._poll.poll(0, len(self._watched) + 1))
        while self._next_at() <= now:
            _, _, task = heappop(self._moments)
            task.looked_at = math.inf
            assert task.wait
            if task.wait.until <= now:
                self._step(task, ready=False)
            else:
                self._look_at(task, task.wait.until)

    def _step(self, task: _Task, *, ready: bool, trouble: OSError | None = None) -> None:
        """Go on with a conversation up to its next wait, or to its end."""
        try:
            if trouble:
                wait = task.steps.throw(trouble)
            elif task.wait:
                wait = task.steps.send(ready)
            else:
                wait = next(task.steps)
        except Exception:  # noqa: BLE001  # its end is one, too
            self._leave(task)
            task.wait, task.looked_at = None, math.inf
            return
        task.wait = wait
        if wait.fd != task.fd:
            self._leave(task)
        if wait.wants != wait.watched:
            try:
                self._watch(task, wait)
            except OSError as error:
                self._step(task, ready=False, trouble=error)
                return
        if wait.job:
            wait.job.when_over(lambda: self._call(task))
        if wait.until < task.looked_at:
            self._look_at(task, wait.until)

    def _look_at(self, task: _Task, moment: float) -> None:
        task.looked_at = moment
        heappush(self._moments, (moment, next(self._numbers), task))

    def _watch(self, task: _Task, wait: Wait) -> None:
        assert self._poll
        if wait.watched:
            self._poll.modify(wait.fd, wait.wants)
        else:
            self._poll.register(wait.fd, wait.wants)
            self._watched[wait.fd] = task, wait
            task.fd = wait.fd
        wait.watched = wait.wants

    def _leave(self, task: _Task) -> None:
        """Have what `task` waited for polled no more, which would wake us again and again."""
        if task.fd < 0:
            return
        assert self._poll
        _, wait = self._watched.pop(task.fd)
        if wait.fd == task.fd:
            with suppress(OSError):  # it is closed already
                self._poll.unregister(task.fd)
            wait.watched = 0
        task.fd = -1


ENGINE = Engine()
"""The one that all rounds share."""
