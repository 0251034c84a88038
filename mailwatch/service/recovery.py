"""Looks at the target and restarts it, one job at a time and never on the loop's own thread."""

from __future__ import annotations

from collections.abc import Callable

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.state import Left
from mailwatch.host import threads
from mailwatch.host.job import Job
from mailwatch.restarters import Restarter, RestartError
from mailwatch.service.queue_events import EventQueue, RestartFinished, TargetInspected

LOOK_LIMIT_S = 20.0
"""How long an engine may take to describe one container."""

SLACK_S = 5.0
"""How long past its deadline a job may be before it is taken to hang."""

RecoveryEvent = TargetInspected | RestartFinished

AddPorts = Callable[[TargetState, Deadline], TargetState]
"""Adds to a state what is known of the ports that lead to the target, in time and never raising."""


def as_seen(state: TargetState, _deadline: Deadline) -> TargetState:
    """Return `state` as it is: nothing is known of any port."""
    return state


class Recovery:
    """The one target that gets restarted; its answers are TargetInspected and RestartFinished."""

    def __init__(
        self,
        make: Callable[[], Restarter],
        events: EventQueue,
        clock: Clock,
        add_ports: AddPorts = as_seen,
    ) -> None:
        self._events = events
        self._clock = clock
        self._job: Job[RecoveryEvent] | None = None
        self._restarting = False
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
        self._make, self._add_ports = make, add_ports
        self._restarter = make()

    def look(self) -> None:
        """Ask what the target is doing, unless a job is under way already."""
        if self.busy:
            return
        job, restarter = self._begin(LOOK_LIMIT_S, restarting=False)
        number, deadline, add_ports = job.number, job.deadline, self._add_ports

        def look() -> TargetInspected:
            return TargetInspected(number, add_ports(restarter.inspect(deadline), deadline))

        job.start(look, lambda why: TargetInspected(number, _unreachable(why)), self._events.put)

    def restart(self, limit_s: float, seen: TargetState) -> None:
        """Restart the target, last `seen` so; a look that still hangs is left behind."""
        if self.busy:
            self._abandon()
        job, restarter = self._begin(limit_s, restarting=True)
        number, deadline = job.number, job.deadline

        def restart() -> RestartFinished:
            try:
                restarter.restart(deadline, seen)
            except RestartError as error:
                return RestartFinished(number, error.detail, error.intervened, error.left)
            return RestartFinished(number)

        def failed(why: Fact) -> RestartFinished:
            # Without a thread nothing was begun: whatever happens to the target now is another's.
            return RestartFinished(number, why, left=Left() if why == threads.WITHOUT else None)

        job.start(restart, failed, self._events.put)

    def owns(self, event: RecoveryEvent) -> bool:
        """Take the answer of the present job; False for one that was left behind."""
        if self._job is None or event.job != self._job.number:
            return False
        self._job = None
        return True

    def overdue_at(self) -> float | None:
        """Return when (steady) the present job is taken to hang, None where there is none."""
        return None if self._job is None else self._job.overdue_at

    def give_up(self, now: Now) -> RecoveryEvent | None:
        """Leave a job behind that hangs by now, and return the answer that stands for it."""
        job = self._job
        if job is None or now.steady < job.overdue_at:
            return None
        looked = TargetInspected(job.number, self.unseen)
        self._abandon()
        if self._restarting:
            silent = fact("restart-call-silent", waited_s=job.waited_s)
            return RestartFinished(job.number, silent)
        return looked

    def _abandon(self) -> None:
        self._job = None
        # The old one's connection may still be in use by the thread that hangs.
        self._restarter = self._make()

    def _begin(self, limit_s: float, restarting: bool) -> tuple[Job[RecoveryEvent], Restarter]:
        self._restarting = restarting
        self._job = Job("target", Deadline.after(limit_s, self._clock), SLACK_S)
        return self._job, self._restarter


def _unreachable(why: Fact) -> TargetState:
    return TargetState(Condition.UNREACHABLE, why)
