"""Looks at the target and restarts it, one job at a time and never on the loop's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.events import RestartEnded
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.state import Left
from mailwatch.host import threads
from mailwatch.host.job import Job
from mailwatch.restarters import Restarter, RestartError
from mailwatch.service.queue_events import EventQueue

LOOK_LIMIT_S = 20.0
"""How long an engine may take to describe one container."""

SLACK_S = 5.0
"""How long past its deadline a job may be before it is taken to hang."""

Answer = TargetState | RestartEnded
"""What a look is answered with, and a restart."""


AddPorts = Callable[[TargetState, Deadline], TargetState]
"""Adds to a state what is known of the ports that lead to the target, in time and never raising."""


def as_seen(state: TargetState, _deadline: Deadline) -> TargetState:
    """Return `state` as it is: nothing is known of any port."""
    return state


class Recovery:
    """The one target that gets restarted; its jobs arrive in `events` once they are over."""

    def __init__(
        self,
        make: Callable[[], Restarter],
        events: EventQueue,
        clock: Clock,
        add_ports: AddPorts = as_seen,
    ) -> None:
        self._events = events
        self._clock = clock
        self._job: Job[Answer] | None = None
        self._restarting = False
        self._glance: Job[TargetState] | None = None
        self.replace(make, add_ports)

    @property
    def busy(self) -> bool:
        """Whether a job is under way, or its answer is on its way."""
        return self._job is not None

    @property
    def unseen(self) -> TargetState:
        """What is known of the target while its engine has not answered the present look."""
        waited_s = self._job.waited_s if self._job else 0.0
        return _unreachable(fact("engine-silent", waited_s=waited_s))

    def replace(self, make: Callable[[], Restarter], add_ports: AddPorts = as_seen) -> None:
        """Use another restarter from the next job on; a look at the one before counts no more."""
        if not self._restarting:
            self._job = None
        self._glance = None
        self._make, self._add_ports = make, add_ports
        self._renew()

    def look(self) -> None:
        """Ask what the target is doing, unless a job is under way already."""
        if self.busy:
            return
        restarter, add_ports = self._restarter, self._add_ports

        def look(deadline: Deadline) -> TargetState:
            return add_ports(restarter.inspect(deadline), deadline)

        self._restarting = False
        self._start(LOOK_LIMIT_S, look, _unreachable)

    @property
    def glancing(self) -> bool:
        """Whether a glance is under way."""
        return self._glance is not None

    def glance(self) -> None:
        """Ask whether the target could be restarted, beside whatever job is under way.

        A restarter may have a cheaper way to tell than to inspect it, which is `glance`.
        """
        restarter = self._make()  # one is used from one thread only
        job = self._glance = Job("glance", Deadline.after(LOOK_LIMIT_S, self._clock), SLACK_S)
        look = getattr(restarter, "glance", restarter.inspect)
        job.start(lambda: look(job.deadline), _unreachable, lambda _answer: self._events.put(job))

    def glanced(self, job: Job[Any] | None, now: Now) -> TargetState | None:
        """Take the answer of the glance if it is `job`, or one that stands for it if it hangs."""
        mine = self._glance
        if mine is None or (job is not mine and (job is not None or now.steady < mine.overdue_at)):
            return None
        self._glance = None
        if job is not None:
            return mine.answer
        return _unreachable(fact("engine-silent", waited_s=mine.waited_s))

    def restart(self, limit_s: float, seen: TargetState) -> None:
        """Restart the target, last `seen` so; a look that still hangs is left behind."""
        if self.busy:
            self._renew()
        restarter = self._restarter

        def restart(deadline: Deadline) -> RestartEnded:
            try:
                restarter.restart(deadline, seen)
            except RestartError as error:
                return RestartEnded(error.detail, error.intervened, error.left)
            return RestartEnded()

        def failed(why: Fact) -> RestartEnded:
            # Without a thread nothing was begun: whatever happens to the target now is another's.
            return RestartEnded(why, left=Left() if why == threads.WITHOUT else None)

        self._restarting = True
        self._start(limit_s, restart, failed)

    def take(self, job: Job[Any]) -> Answer | None:
        """Take the answer of `job`, None where that is another's, or one that was left behind."""
        if job is not self._job:
            return None
        self._job = None
        answer: Answer = job.answer
        if isinstance(answer, RestartEnded) and answer.error and job.ran_out_standing_still:
            return RestartEnded()  # it may well have happened: verifying shows whether it helped
        return answer

    def stood_still(self, lost_s: float) -> None:
        """Give the present job the `lost_s` that this process has just lost."""
        for job in (self._job, self._glance):
            if job is not None:
                job.lose(lost_s)

    def overdue_at(self) -> float | None:
        """Return when (steady) a present job is taken to hang, None where there is none."""
        jobs = (self._job, self._glance)
        return min((job.overdue_at for job in jobs if job is not None), default=None)

    def give_up(self, now: Now) -> Answer | None:
        """Leave a job behind that hangs by now, and return the answer that stands for it."""
        job = self._job
        if job is None or now.steady < job.overdue_at:
            return None
        unseen = self.unseen
        self._job = None
        self._renew()
        if self._restarting:
            return RestartEnded(fact("restart-call-silent", waited_s=job.waited_s))
        return unseen

    def _renew(self) -> None:
        # The old one's connection may still be in use by a thread that hangs.
        self._restarter = self._make()

    def _start(
        self, limit_s: float, task: Callable[[Deadline], Answer], failed: Callable[[Fact], Answer]
    ) -> None:
        job = self._job = Job[Answer]("target", Deadline.after(limit_s, self._clock), SLACK_S)
        job.start(lambda: task(job.deadline), failed, lambda _answer: self._events.put(job))


def _unreachable(why: Fact) -> TargetState:
    return TargetState(Condition.UNREACHABLE, why)
