"""Looks at the target and restarts it, one job at a time and never on the loop's own thread."""

from __future__ import annotations

from collections.abc import Callable

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import words
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.text import duration
from mailwatch.host import threads
from mailwatch.restarters import Restarter, RestartError
from mailwatch.service.queue_events import EventQueue, RestartFinished, TargetInspected

LOOK_LIMIT_S = 20.0
"""How long an engine may take to describe one container."""

SLACK_S = 5.0
"""How long past its deadline a job may be before it is taken to hang."""


class Target:
    """The one thing that gets restarted; its answers are TargetInspected and RestartFinished."""

    def __init__(self, make: Callable[[], Restarter], events: EventQueue, clock: Clock) -> None:
        self._make = make
        self._restarter = make()
        self._events = events
        self._clock = clock
        self._job = 0
        self._began = 0.0
        self._deadline: Deadline | None = None
        self._restarting = False

    @property
    def busy(self) -> bool:
        """Whether a job is under way, or its answer is on its way."""
        return self._deadline is not None

    @property
    def waited_s(self) -> float:
        """For how many seconds the present job has been under way."""
        return self._clock() - self._began if self.busy else 0.0

    def replace(self, make: Callable[[], Restarter]) -> None:
        """Use another restarter from the next job on; a look at the one before counts no more."""
        if not self._restarting:
            self._deadline = None
        self._make = make
        self._restarter = make()

    def look(self) -> None:
        """Ask what the target is doing, unless a job is under way already."""
        if not self.busy:
            self._start(LOOK_LIMIT_S)

    def restart(self, limit_s: float, seen: TargetState) -> None:
        """Restart the target, last `seen` so; a look that still hangs is left behind."""
        if self.busy:
            self._abandon()
        self._start(limit_s, seen)

    def owns(self, report: TargetInspected | RestartFinished) -> bool:
        """Take the answer of the present job; False for one that was left behind."""
        if not self.busy or report.job != self._job:
            return False
        self._deadline = None
        return True

    def overdue_at(self) -> float | None:
        """Return when (steady) the present job is taken to hang, None where there is none."""
        return None if self._deadline is None else self._deadline.at + SLACK_S

    def give_up(self) -> TargetInspected | RestartFinished:
        """Leave a job behind that hangs, and return the answer that stands for it."""
        waited = duration(self.waited_s)
        job = self._job
        report: TargetInspected | RestartFinished
        if self._restarting:
            report = RestartFinished(
                job, f"the engine has not answered the restart call for {waited}"
            )
        else:
            report = TargetInspected(job, unanswered(self.waited_s))
        self._abandon()
        return report

    def _abandon(self) -> None:
        self._deadline = None
        # The old one's connection may still be in use by the thread that hangs.
        self._restarter = self._make()

    def _start(self, limit_s: float, seen: TargetState | None = None) -> None:
        """Look, or restart what was last `seen`."""
        self._job += 1
        self._began = self._clock()
        self._restarting = seen is not None
        deadline = self._deadline = Deadline.after(limit_s, self._clock)
        restarter, job, events = self._restarter, self._job, self._events

        def look() -> None:
            try:
                target = restarter.inspect(deadline)
            except Exception as error:  # noqa: BLE001  # a bug of ours must still be an answer
                target = TargetState(Condition.UNREACHABLE, words(_our_fault(error)))
            events.put(TargetInspected(job, target))

        def restart(seen: TargetState) -> None:
            report = RestartFinished(job)
            try:
                restarter.restart(deadline, seen)
            except RestartError as error:
                report = RestartFinished(job, str(error), error.intervened)
            except Exception as error:  # noqa: BLE001  # a bug of ours must still be an answer
                report = RestartFinished(job, _our_fault(error))
            events.put(report)

        # The thread of the job before may have answered and not be gone yet: nothing waits for it.
        try:
            threads.start(look if seen is None else lambda: restart(seen), "target")
        except RuntimeError:
            why = threads.NO_THREAD
            unseen = TargetState(Condition.UNREACHABLE, words(why))
            events.put(TargetInspected(job, unseen) if seen is None else RestartFinished(job, why))


def unanswered(waited_s: float) -> TargetState:
    """Return what is known of a target whose engine has not answered for `waited_s` seconds."""
    detail = f"the engine has not answered for {duration(waited_s)}"
    return TargetState(Condition.UNREACHABLE, words(detail))


def _our_fault(error: Exception) -> str:
    # The type alone: the text of an unforeseen exception may hold anything.
    return f"a fault of mailwatch itself ({type(error).__name__}), please report it"
