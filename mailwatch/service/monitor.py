"""One pass of the engine: probe what is due, step the incident, commit, act, send the messages."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core import observation, status_line
from mailwatch.core.events import Event, Restart, RestartEnded, Restored, Tell, TimePassed
from mailwatch.core.facts import words
from mailwatch.core.incident import step
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Now, Reading, TargetState, Verdict
from mailwatch.core.schedule import Rounds, plan
from mailwatch.core.state import OPEN, Stage, State
from mailwatch.core.transitions import aim
from mailwatch.core.wording import compose
from mailwatch.service.bookkeeping import Bookkeeping
from mailwatch.service.components import Components
from mailwatch.service.queue_events import (
    AttemptDone,
    DeliveryFinished,
    EvidenceGathered,
    QueueEvent,
    RestartFinished,
    RoundDone,
    TargetInspected,
)
from mailwatch.service.recovery import unanswered

LOOK_GRACE_S = 2.0
"""How long a failed round waits for a look at the target, which takes 3 ms on an idle host."""

RESTORE_GRACE_S = 5.0
"""How long a new process with an open incident waits for that before it watches all the same."""

ROUND_SLACK_S = 15.0
"""How long past its longest a round may last, on a host that hardly schedules it."""


class Monitor:
    """Owns the state; its one thread is the daemon's loop."""

    def __init__(self, parts: Components) -> None:
        self._components = parts
        self._bookkeeping = Bookkeeping(parts)
        self._state = State()
        self._rounds = Rounds()
        self._round = 0
        self._asking = False
        self._readings: tuple[Reading, ...] = ()
        self._failing: frozenset[str] = frozenset()
        self._seen: TargetState | None = None
        self._noticed: Now | None = None
        self._heard: frozenset[int] = frozenset()
        self._undecided: tuple[Reading, ...] | None = None
        self._fresh = False
        self._decide_at = 0.0
        self._restoring = False
        self._attempts = parts.policy.attempts

    @property
    def asking(self) -> bool:
        """Whether a round is under way."""
        return self._asking

    def stalled(self, now: Now) -> bool:
        """Whether a round is lost: it should have ended long ago, and nothing else will end it.

        Until then silence says nothing: attempts may be an hour apart, and a check that no
        deadline reaches is let go of only when the last attempt would have ended.
        """
        if not self._asking or self._rounds.last_began is None:
            return False
        control_s = self._attempts.timeout_s  # see prober.RoundProber
        longest_s = self._attempts.longest_s + control_s + ROUND_SLACK_S
        return now.steady - self._rounds.last_began > longest_s

    @property
    def state(self) -> State:
        """What the incident machine remembers."""
        return self._state

    # --- from outside ---------------------------------------------------------------------

    def begin(self, now: Now) -> None:
        """Take up where the last process left off."""
        restored = self._components.store.restore(now)
        self._state = aim(restored, self._components.installation.target)
        if self._state != restored:
            self._bookkeeping.keep(self._state, (), now)  # the next start may name another
        self._restoring = self._state.stage in OPEN
        if self._state.incident is not None:
            self._failing = frozenset(f.service for f in self._state.incident.failures)
        if self._restoring:
            self._decide_at = now.steady + RESTORE_GRACE_S
            self._components.target.look()
        else:
            self._step(
                Restored(TargetState(Condition.UNREACHABLE, words("not looked at yet"))), now
            )

    def reconfigure(self, parts: Components) -> None:
        """Go on with other parts: the round under way is dropped, and a new one is due at once."""
        self._components.prober.cancel()
        self._state = aim(self._state, parts.installation.target)
        self._components = parts
        self._bookkeeping.replace(parts)
        self._rounds = Rounds()
        self._asking = False
        self._undecided = None
        self._seen = None
        if self._restoring:
            parts.target.look()  # what is looked at may be another container now

    def handle(self, report: QueueEvent, now: Now) -> None:
        """Take what a thread has to report."""
        match report:
            case AttemptDone():
                self._attempt_done(report, now)
            case RoundDone():
                self._round_done(report, now)
            case TargetInspected() if self._components.target.owns(report):
                self._looked(report, now)
            case RestartFinished() if self._components.target.owns(report):
                self._components.prober.forget()
                self._step(RestartEnded(report.error, report.intervened), now)
            case EvidenceGathered():
                self._witnessed(report, now)
            case DeliveryFinished():
                self._components.delivery.posted(report, now)
            case _:
                pass

    def advance(self, now: Now) -> None:
        """Do all that is due by now, and nothing that waits."""
        overdue_at = self._components.target.overdue_at()
        if overdue_at is not None and now.steady >= overdue_at:
            gone = self._components.target.give_up()
            if isinstance(gone, TargetInspected):
                self._looked(gone, now)
            else:
                self._step(RestartEnded(gone.error), now)
        if self._is_waiting and now.steady >= self._decide_at:
            self._go_on(self._seen or unanswered(self._components.target.waited_s), now)
        if self._state.stage is Stage.SETTLING:
            self._step(TimePassed(), now)
        self._bookkeeping.advance(self._state, now)
        self._begin_round(now)
        self._components.delivery.advance(now)

    def wake_at(self, now: Now) -> float | None:
        """Return when (steady) advance() has something to do next, None as long as nothing is."""
        moments = [
            self._components.target.overdue_at(),
            self._components.delivery.wake_at(),
            self._bookkeeping.wake_at(now),
        ]
        if self._is_waiting:
            moments.append(self._decide_at)
        elif not self._asking:
            following = plan(self._state, self._rounds, now.steady, self._components.policy)
            moments.append(following.at if following else self._state.due)
        return min((moment for moment in moments if moment is not None), default=None)

    def status(self, now: Now) -> str:
        """Return the line that `systemctl status` shows."""
        policy = self._components.policy
        following = None if self._asking else plan(self._state, self._rounds, now.steady, policy)
        return status_line.line(
            self._readings,
            self._state,
            self._components.installation.clock_text,
            paused=self._bookkeeping.paused_until(now) is not None,
            next_in_s=following.at - now.steady if following else None,
        )

    # --- rounds ---------------------------------------------------------------------------

    def _begin_round(self, now: Now) -> None:
        if self._asking or self._is_waiting:
            return
        following = plan(self._state, self._rounds, now.steady, self._components.policy)
        if following is None or following.at > now.steady:
            return
        self._round += 1
        self._asking = True
        self._seen = None
        self._noticed = None
        self._heard = frozenset()
        self._attempts = following.attempts
        self._rounds = replace(
            self._rounds, last_began=now.steady, last_ended=None, last_stage=self._state.stage
        )
        self._components.prober.begin(self._round, following.attempts)

    def _attempt_done(self, report: AttemptDone, now: Now) -> None:
        if report.round != self._round or not self._asking:
            return
        if report.reading.verdict is not Verdict.FAIL:
            return
        self._noticed = self._noticed or now
        self._components.event_log.attempt(report.reading, report.number, self._attempts.retries)
        if self._seen is None:
            # The first look is slow, for it loads the SDK: take it while the retries run.
            self._components.target.look()
        self._look_around((report.reading,), now)

    def _round_done(self, report: RoundDone, now: Now) -> None:
        if report.round != self._round or not self._asking:
            return
        self._asking = False
        self._rounds = replace(self._rounds, last_ended=now.steady)
        self._readings = report.readings
        self._components.event_log.round(report.readings)
        self._bookkeeping.keep_round(self._state, report.readings, now)
        if self._components.forensics is not None:
            self._components.forensics.saw(report.readings, now)
        if observation.failures(report.readings):
            self._undecided = report.readings
            self._fresh = False
            self._look_around(report.readings, now)
            self._decide_at = max(now.steady + LOOK_GRACE_S, self._witness_until())
            self._components.target.look()
        else:
            self._step(observation.good_news(report.readings, self._failing), now)

    # --- the incident ---------------------------------------------------------------------

    @property
    def _is_waiting(self) -> bool:
        """Whether the next step waits, for a short while, for a look at the target."""
        return self._restoring or self._undecided is not None

    def _looked(self, report: TargetInspected, now: Now) -> None:
        self._seen = report.target
        self._fresh = True
        self._heard |= observation.served(report.target.listens)
        if self._restoring or self._witness_until() <= now.steady:
            self._go_on(report.target, now)

    def _look_around(self, failing: tuple[Reading, ...], now: Now) -> None:
        """Gather evidence while the retries run, once a round, for an incident that may open.

        None opens during a pause, in which a service may fail round after round for days.
        """
        forensics = self._components.forensics
        if forensics is None or self._state.incident is not None:
            return
        if self._bookkeeping.paused_until(now) is None:
            forensics.look(self._round, failing, now)

    def _witnessed(self, report: EvidenceGathered, now: Now) -> None:
        forensics = self._components.forensics
        if (
            forensics is not None
            and forensics.owns(report)
            and self._fresh
            and self._seen is not None
        ):
            self._go_on(self._seen, now)

    def _witness_until(self) -> float:
        """Return until when (steady) the next step waits for the evidence, 0 where it does not."""
        forensics = self._components.forensics
        if forensics is None or self._undecided is None or self._state.incident is not None:
            return 0.0
        return forensics.awaited_until or 0.0

    def _go_on(self, target: TargetState, now: Now) -> None:
        if self._restoring:
            self._restoring = False
            self._step(Restored(target), now)
        elif self._undecided is not None:
            self._decide(self._undecided, target, now)

    def _decide(self, readings: tuple[Reading, ...], target: TargetState, now: Now) -> None:
        self._undecided = None
        self._failing = observation.still_failing(readings, self._failing)
        forensics = self._components.forensics if self._state.incident is None else None
        cause = "" if forensics is None else forensics.cause(readings, target.seen_as)
        heard = self._heard if forensics is None else self._heard | forensics.heard
        if not self._fresh:
            # It was seen before the round had ended.
            target = replace(target, listens={}, unheard=frozenset())
        event = observation.bad_news(
            readings,
            target,
            self._bookkeeping.paused_until(now),
            cause,
            self._noticed,
            heard,
            self._bookkeeping.unproven(),
        )
        self._step(event, now)

    def _step(self, event: Event, now: Now) -> None:
        """Let the machine decide, keep what it decided, and only then act on it."""
        before = self._state
        after, actions = step(before, event, now, self._components.policy)
        installation, policy = self._components.installation, self._components.policy
        tells = [action for action in actions if isinstance(action, Tell)]
        closed = next((t.incident for t in tells if t.topic is Topic.RECOVERED), None)
        self._state = after
        if after.incident is None and after.failing_since is None:
            self._failing = frozenset()
        if after != before or tells:
            told = [compose(tell, installation) for tell in tells]
            self._bookkeeping.keep(after, told, now, closed=closed)
        self._components.event_log.step(before, after, actions, now)
        self._keep_evidence(before, after, now)
        for action in actions:
            if isinstance(action, Restart):
                limit_s = policy.restart_limit_s
                self._components.before_restart(limit_s)
                self._components.target.restart(limit_s, action.target)

    def _keep_evidence(self, before: State, after: State, now: Now) -> None:
        forensics = self._components.forensics
        if forensics is None:
            return
        if before.incident is None and after.incident is not None:
            forensics.opened(after.incident.id)
        elif before.incident is not None and after.incident is None:
            forensics.closed(before.incident.id, self._readings, now)
