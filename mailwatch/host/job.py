"""One task off the thread that asks for it: its deadline, and the one answer it always has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mailwatch.core.deadline import Deadline, DeadlineExpired
from mailwatch.core.facts import Fact, fact
from mailwatch.host import limits, threads

Answer = TypeVar("Answer")


class Job(Generic[Answer]):
    """One task on a thread of its own, which is started once and has exactly one answer.

    It is abandoned by forgetting it: the thread of a task that hangs is left behind, and whoever
    puts the job itself into a queue tells a late answer from that of the job after it.
    """

    def __init__(self, name: str, deadline: Deadline, slack_s: float = 0.0) -> None:
        """Call the thread `name`; `slack_s` past its deadline the task is taken to hang."""
        self.deadline = deadline
        self.overdue_at = deadline.at + slack_s
        """When (steady) the task is taken to hang."""
        self._name = name
        self._began = deadline.clock()
        self._lost_s = 0.0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._answer: Answer | None = None
        self._tells: list[Callable[[], object]] = []

    def start(
        self,
        task: Callable[[], Answer],
        failed: Callable[[Fact], Answer],
        put: Callable[[Answer], object] | None = None,
    ) -> None:
        """Run `task` now; what it returns is the answer, and goes to any `put` on its thread.

        Where no thread can be had, and where the task raises, `failed` turns the fact that says
        so into the answer. Raises nothing.
        """

        def run() -> None:
            try:
                answer = task()
            except Exception as error:  # noqa: BLE001  # a bug of ours must still be an answer
                # The type alone: the text of an unforeseen exception may hold anything.
                own_fault = fact("own-fault", error=type(error).__name__)
                answer = failed(limits.limit_of(error) or own_fault)
            self._end(answer, put)

        try:
            self._thread = threads.start(run, self._name)
        except (RuntimeError, MemoryError):
            self._end(failed(threads.WITHOUT), put)

    def _end(self, answer: Answer, put: Callable[[Answer], object] | None) -> None:
        self._answer = answer
        self._over.set()
        if put is not None:
            put(answer)
        for tell in self._tells:
            tell()

    def lose(self, lost_s: float) -> None:
        """Take note that this process stood still for `lost_s` of the task's time."""
        self.overdue_at += lost_s
        self._lost_s += lost_s

    @property
    def ran_out_standing_still(self) -> bool:
        """Whether the task's time is up, and would not be if none had been lost."""
        return 0 <= self.deadline.clock() - self.deadline.at < self._lost_s

    @property
    def answer(self) -> Answer:
        """The answer of a job that is over."""
        return self._answer  # type: ignore[return-value]  # the answer may be None itself

    @property
    def is_over(self) -> bool:
        """Whether the answer is there."""
        return self._over.is_set()

    def when_over(self, tell: Callable[[], object]) -> None:
        """Call `tell`, once or twice, when the answer is there; here and now where it is already.

        It is called on the job's thread, and must be quick.
        """
        self._tells.append(tell)
        if self._over.is_set():
            tell()

    def ends_within(self, seconds: float) -> bool:
        """Wait for at most `seconds` (>= 0); whether the answer is there."""
        return self._over.wait(seconds)

    @property
    def waited_s(self) -> float:
        """The seconds since the job was made."""
        return self.deadline.clock() - self._began

    def wait(self, deadline: Deadline) -> Answer:
        """Wait for the answer and return it; any number of threads may.

        Raises DeadlineExpired where it is not there by `deadline`.
        """
        if not self._over.is_set() and not self._over.wait(deadline.remaining()):
            raise DeadlineExpired("the task is still under way")
        return self.answer

    def join(self, seconds: float) -> None:
        """Give the thread at most `seconds` to have put its answer."""
        if self._thread is not None:
            self._thread.join(seconds)
