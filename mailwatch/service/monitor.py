"""One pass of the loop: probe what is due, step the incident, commit, act, send the messages."""

from __future__ import annotations

from dataclasses import replace

from mailwatch.core import readiness, status_line
from mailwatch.core.events import Event, Restart, RestartEnded, Restored, Tell, TimePassed
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.incident import step
from mailwatch.core.investigation import Investigation, Step
from mailwatch.core.judgement import restart_limit_s
from mailwatch.core.message import Topic
from mailwatch.core.model import Condition, Now, Reading, TargetState, Verdict
from mailwatch.core.observation import failures
from mailwatch.core.occasion import Occasion, calls_for_a_look
from mailwatch.core.schedule import Rounds, plan
from mailwatch.core.state import OPEN, Stage, State
from mailwatch.core.transitions import after_boot, aim, stood_still
from mailwatch.core.wording import compose
from mailwatch.host.job import Job
from mailwatch.net.endpoint import LONGEST_LOGIN_S
from mailwatch.probes.first_look import LISTEN_S
from mailwatch.service.bookkeeping import Bookkeeping
from mailwatch.service.components import Components
from mailwatch.service.queue_events import AttemptDone, QueueEvent, RoundDone
from mailwatch.store.base import Commit

ROUND_SLACK_S = 15.0 + LONGEST_LOGIN_S + LISTEN_S
"""How long past its longest a round may last, on a host that hardly schedules it.

A login has a time of its own, and so has listening; without an answer to either the service is
asked once more.
"""


class Monitor:
    """Owns the state; its one thread is the daemon's loop."""

    def __init__(self, parts: Components) -> None:
        self._components = parts
        self._bookkeeping = Bookkeeping(parts)
        self.state = State()
        """What the incident machine remembers."""
        self.investigation = Investigation()
        """What is known of the round under way, or of the one that is to be decided."""
        self._rounds = Rounds()
        self._round = 0
        self._readings: tuple[Reading, ...] = ()
        self._attempts = parts.policy.attempts
        self._glanced_at: float | None = None
        """When (steady) the last glance at the target was answered, None before the first."""
        self._occasion = Occasion()
        """What the newest evidence was gathered after."""
        self._trouble: Fact = NOTHING
        """Why the target could not be restarted when last glanced at, NOTHING where it could."""

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, None where none is in force."""
        return self._bookkeeping.paused_until(now)

    def pause(self, until: Now | None, now: Now) -> bool:
        """Pause until `until`, or end the pause with None; return whether one was in force."""
        return self._bookkeeping.pause(until, now)

    def listening(self, now: Now) -> Fact:
        """Return the clause that says where mailwatch only listens, NOTHING where nowhere."""
        return self._bookkeeping.listening(now)

    def next_round(self, now: Now) -> float | None:
        """Return when (seconds since 1970) a round begins, None while one is under way."""
        if self.investigation.is_asking:
            return None
        following = plan(self.state, self._rounds, now.steady, self._components.policy)
        return None if following is None else now.wall + following.at - now.steady

    def stalled(self, now: Now) -> bool:
        """Whether a round is lost: it should have ended long ago, and nothing else will end it.

        Until then silence says nothing: attempts may be an hour apart, and a check that no
        deadline reaches is let go of only when the last attempt would have ended.
        """
        if not self.investigation.is_asking or self._rounds.last_began is None:
            return False
        # For the control (see prober.RoundProber), for one asked again (see probe.Probe), and for
        # all that wait for their turn (see guest.Guest).
        more_s = 2 * self._attempts.timeout_s
        parts = self._components
        if per_second := parts.policy.smtp_per_second:
            more_s += (self._attempts.retries + 1) * len(parts.settings) / per_second
        longest_s = self._attempts.longest_s + more_s + ROUND_SLACK_S
        return now.steady - self._rounds.last_began > longest_s

    # --- from outside ---------------------------------------------------------------------

    def begin(self, now: Now) -> None:
        """Take up where the last process left off."""
        restored = self._components.store.restore(now)
        self._bookkeeping.begin(now)
        self.state = aim(after_boot(restored, now), self._components.installation.target.key)
        if self.state != restored:
            self._bookkeeping.keep(Commit(self.state, now))  # the next start may name another
        if self.state.stage in OPEN:
            self.investigation = self.investigation.restoring(self.state, now)
            self._components.recovery.look()
        else:
            unseen = TargetState(Condition.UNREACHABLE, fact("not-looked-at"))
            self._step(Restored(unseen), now)

    def reconfigure(self, parts: Components) -> None:
        """Go on with other parts: the round under way is dropped, and a new one is due at once."""
        self._components.prober.cancel()
        self.state = aim(self.state, parts.installation.target.key)
        self._components = parts
        self._bookkeeping.replace(parts)
        self._rounds = Rounds()
        self._glanced_at, self._trouble = None, NOTHING
        self.investigation = self.investigation.reconfigured()
        if self.investigation.step is Step.RESTORING:
            parts.recovery.look()  # what is looked at may be another container now

    @property
    def is_pressed(self) -> bool:
        """Whether anything is under way that a deadline ends."""
        waiting = self.state.due is not None or self._components.recovery.busy
        return waiting or self.investigation.step is not Step.OVER

    def stood_still(self, lost_s: float, steady_s: float) -> None:
        """Take note that this process lost `lost_s`, of which the steady clock shows `steady_s`.

        Call it before handle(): what comes in next may have run out of time only because of that.
        """
        self.investigation = self.investigation.stood_still(lost_s, steady_s)
        self.state = stood_still(self.state, steady_s)
        self._components.recovery.stood_still(steady_s)
        self._components.delivery.stood_still(steady_s)
        self._bookkeeping.suspended(lost_s - steady_s)

    def handle(self, event: QueueEvent, now: Now) -> None:
        """Take what a thread has to tell; advance() then does what follows from it."""
        match event:
            case AttemptDone() if self._is_of_this_round(event):
                self._attempt_done(event, now)
            case RoundDone() if self._is_of_this_round(event):
                self._round_done(event, now)
            case Job():
                self._answered(self._components.recovery.take(event), now)
                heard = self._components.examination.take(event)
                if heard is not None:
                    self.investigation = self.investigation.gathered(heard)
                self._glanced(self._components.recovery.glanced(event, now), now)
                self._components.delivery.take(event, now)
            case _:
                pass

    def advance(self, now: Now) -> None:
        """Do all that is due by now, and nothing that waits."""
        self._answered(self._components.recovery.give_up(now), now)
        self._glanced(self._components.recovery.glanced(None, now), now)
        if self.investigation.may_be_decided(now):
            self._decide(now)
        if self.state.stage is Stage.SETTLING:
            self._step(TimePassed(), now)
        self._bookkeeping.advance(self.state, now)
        self._begin_round(now)
        due = self._glance_at(now)
        if due is not None and due <= now.steady:
            self._components.recovery.glance()
        self._components.delivery.advance(now)

    def wake_at(self, now: Now) -> float | None:
        """Return when (steady) advance() has something to do next, None as long as nothing is."""
        moments = [
            self._components.recovery.overdue_at(),
            self._components.delivery.wake_at(),
            self._bookkeeping.wake_at(now),
            self.investigation.decidable_at,
            self._glance_at(now),
        ]
        if self.investigation.step is Step.OVER:
            following = plan(self.state, self._rounds, now.steady, self._components.policy)
            moments.append(following.at if following else self.state.due)
        return min((moment for moment in moments if moment is not None), default=None)

    def status(self, now: Now) -> Fact:
        """Return the line that `systemctl status` shows."""
        return status_line.line(
            self._readings,
            self.state,
            paused=self.paused_until(now) is not None,
            next_at=self.next_round(now),
            trouble=self._trouble,
            listening=self._bookkeeping.listening(now),
        )

    # --- rounds ---------------------------------------------------------------------------

    def _begin_round(self, now: Now) -> None:
        if self.investigation.step is not Step.OVER:
            return
        following = plan(self.state, self._rounds, now.steady, self._components.policy)
        if following is None or following.at > now.steady:
            return
        self._round += 1
        self.investigation = self.investigation.begun()
        self._attempts = following.attempts
        self._rounds = replace(
            self._rounds, last_began=now.steady, last_ended=None, last_stage=self.state.stage
        )
        self._components.prober.begin(self._round, following.attempts)

    def _is_of_this_round(self, event: AttemptDone | RoundDone) -> bool:
        return event.round == self._round and self.investigation.is_asking

    def _attempt_done(self, event: AttemptDone, now: Now) -> None:
        if event.reading.offence:
            self._bookkeeping.keep_offences(self.state, now)
        (reading,) = self._bookkeeping.sift([event.reading], now)
        if reading.verdict is not Verdict.FAIL:
            return
        self.investigation = self.investigation.failed(now)
        for onlooker in self._components.onlookers:
            onlooker.attempt(reading, event.number, self._attempts.retries, now)
        if self.investigation.seen is None:
            # The first look is slow, for it loads the SDK: take it while the retries run.
            self._components.recovery.look()
        self._examine((reading,), now)

    def _round_done(self, event: RoundDone, now: Now) -> None:
        self._rounds = replace(self._rounds, last_ended=now.steady)
        self.investigation = self.investigation.ended(
            self._bookkeeping.sift(event.readings, now), now, event.lost_s
        )
        readings = self._readings = self.investigation.readings
        for onlooker in self._components.onlookers:
            onlooker.round(readings, now)
        self._bookkeeping.keep_round(self.state, readings, now)
        self._bookkeeping.keep_offences(self.state, now)
        if failures(readings):
            self._examine(readings, now)
            self._components.recovery.look()

    # --- whether it could be restarted ----------------------------------------------------

    def _glance_at(self, now: Now) -> float | None:
        """Return when (steady) to see whether the target could be restarted, None for not now.

        An open incident has looks of its own.
        """
        parts = self._components
        if (
            not parts.policy.max_restarts
            or self.state.stage is not Stage.HEALTHY
            or parts.recovery.glancing
        ):
            return None
        return readiness.next_look(parts.store.notes().readiness, self._glanced_at, now)

    def _glanced(self, target: TargetState | None, now: Now) -> None:
        if target is None:
            return
        self._glanced_at = now.steady
        self._looked(target, now)
        self._bookkeeping.keep_glance(self.state, target, now)

    def _looked(self, target: TargetState, now: Now) -> None:
        self._trouble = readiness.trouble(target, self._components.installation)
        for onlooker in self._components.onlookers:
            onlooker.looked(target, now)

    # --- the incident ---------------------------------------------------------------------

    def _examine(self, failing: tuple[Reading, ...], now: Now) -> None:
        """Gather evidence while the retries run, at most once a round, where it is called for.

        No incident opens during a pause, in which a service may fail round after round for days.
        """
        found, incident = self.investigation, self.state.incident
        if found.examined or self.paused_until(now) is not None:
            return
        services = frozenset(one.service for one in failures(failing))
        if calls_for_a_look(self._occasion, self.state, found.seen, now, services):
            until = self._components.examination.look(failing, now, incident)
            self.investigation = found.examining(until)

    def _answered(self, answer: TargetState | RestartEnded | None, now: Now) -> None:
        if isinstance(answer, TargetState):
            self._looked(answer, now)
            if self._trouble:
                self._glanced_at = None  # whether it lasts is asked anew once the incident is over
            found = self.investigation = self.investigation.looked(answer)
            if found.step is Step.ENDED and failures(found.readings):
                self._examine(found.readings, now)  # it may have ended since the last look
        elif answer is not None:
            self._components.prober.forget()
            for onlooker in self._components.onlookers:
                onlooker.restarted(answer, now)
            self._step(answer, now)

    def _decide(self, now: Now) -> None:
        found, examination = self.investigation, self._components.examination
        cause = examination.cause(found.readings, found.seen_as) if found.examined else NOTHING
        store = self._components.store
        if not cause and store.silent_since is not None:
            cause = fact("disk-silent", directory=store.directory)
        event = found.event(
            self._components.recovery.unseen,
            self.paused_until(now),
            cause,
            self._bookkeeping.unproven(),
        )
        if found.examined:
            services = frozenset(one.service for one in failures(found.readings))
            self._occasion = Occasion.of(self.state, found.seen, services, self._occasion)
        self._step(event, now)
        self.investigation = found.decided(self.state)

    def _step(self, event: Event, now: Now) -> None:
        """Let the machine decide, keep what it decided, and only then act on it."""
        before = self.state
        after, actions = step(before, event, now, self._components.policy)
        installation, policy = self._components.installation, self._components.policy
        tells = [action for action in actions if isinstance(action, Tell)]
        closed = next((t.incident for t in tells if t.topic is Topic.RECOVERED), None)
        self.state = after
        if after != before or tells:
            told = [compose(tell, installation) for tell in tells]
            self._bookkeeping.keep(Commit(after, now, told, closed=closed))
        for onlooker in self._components.onlookers:
            onlooker.step(before, after, actions, now)
        for action in actions:
            if isinstance(action, Restart):
                limit_s = restart_limit_s(action.target, policy)
                self._components.before_restart(limit_s)
                self._components.recovery.restart(limit_s, action.target)
