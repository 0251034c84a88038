"""Keeps what the rounds have shown, and which messages may leave within the hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailwatch.core import (
    certificates,
    known_good,
    offences,
    rate_limit,
    readiness,
    unmeasured,
    wall_clock,
)
from mailwatch.core.facts import Fact, fact
from mailwatch.core.message import Message
from mailwatch.core.model import Fault, Now, Reading, TargetState
from mailwatch.core.state import State
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.core.wall_clock import ClockHistory, Trust
from mailwatch.core.wording import notice
from mailwatch.service.components import Components
from mailwatch.store.base import Commit

DISK_SILENT_S = 60.0
"""How long the disk has to be silent before a person is told; a busy one is for a few seconds."""


class Bookkeeping:
    """Writes into the store, and tells the delivery."""

    def __init__(self, parts: Components) -> None:
        self._components = parts
        self._blind: UnmeasuredServices | None = None
        self._pause_end: Now | None = None
        self._disk_told = False
        self._slept_s = 0.0
        """How long the host slept since the last round, which the steady clock does not show."""

    def replace(self, parts: Components) -> None:
        """Go on with other parts."""
        self._components = parts
        parts.guest.reconfigure(parts.policy, self.unproven())

    def begin(self, now: Now) -> None:
        """Take up the pause that the last process has left."""
        parts = self._components
        self._pause_end = parts.store.paused_until(now)
        parts.guest.begin(parts.store.notes().offences)
        self.replace(parts)

    def pause(self, until: Now | None, now: Now) -> bool:
        """Pause until `until`, or end the pause with None; return whether one was in force."""
        was_paused = self.paused_until(now) is not None
        self._pause_end = until
        self._components.store.pause(until)
        return was_paused

    def suspended(self, seconds: float) -> None:
        """Take note that the host slept for `seconds`, which the steady clock does not show.

        They are part of the admin's pause: it ends after an hour of the admin's life.
        """
        self._slept_s += max(0.0, seconds)
        if self._pause_end is not None and seconds > 0:
            end = self._pause_end
            self._pause_end = replace(end, steady=end.steady - seconds)
            self._components.store.pause(self._pause_end)

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, None where none is in force."""
        if self._pause_end is None:
            # One that a slow disk told of only after the start.
            self._pause_end = self._components.store.paused_until(now)
        return None if _is_over(self._pause_end, now) else self._pause_end

    def unproven(self) -> frozenset[str]:
        """Return the services that have never passed as they are configured now."""
        return known_good.unproven(self._components.store.notes().proven, self._components.settings)

    def sift(self, readings: Sequence[Reading], now: Now) -> tuple[Reading, ...]:
        """Return `readings` without what only a wall clock that may be wrong has found."""
        if all(reading.fault is not Fault.CERTIFICATE for reading in readings):
            return tuple(readings)  # no other is the clock's matter, which costs a call to learn
        _, trust = self._clock(now)
        return wall_clock.sift(readings, trust, now)

    def _clock(self, now: Now) -> tuple[ClockHistory, Trust]:
        known = wall_clock.suspended(self._components.store.notes().wall_clock, self._slept_s)
        return wall_clock.look(known, now, self._components.synchronised())

    def keep_round(self, state: State, readings: Sequence[Reading], now: Now) -> None:
        """Keep what a round has shown, and tell what of it is no matter of an incident."""
        parts = self._components
        parts.store.record(readings, now)
        policy = parts.policy
        known, about = parts.store.notes(), (now, parts.installation, policy)
        blind = known.unmeasured_services if self._blind is None else self._blind
        clock, trust = self._clock(now)
        self._slept_s = 0.0
        ending = [
            one.service for one in readings if certificates.expires_soon(one, now.wall, policy)
        ]
        seen = wall_clock.blind(readings, trust, ending)
        self._blind, notices = unmeasured.look(blind, seen, *about)
        told, warnings = known.certificates, tuple[Message, ...]()
        if not trust.why_not:
            told, warnings = certificates.look(known.certificates, readings, *about)
        shown = known_good.look(known.proven, readings, parts.settings)
        notes = replace(
            known,
            certificates=told,
            proven=shown,
            unmeasured_services=self._blind.to_keep,
            wall_clock=clock,
        )
        disk = self._of_the_disk(now)
        if notes != known or disk:
            self.keep(Commit(state, now, (*notices, *warnings, *disk), notes=notes))

    def _of_the_disk(self, now: Now) -> list[Message]:
        """Tell once that the disk has been silent for long."""
        store, installation = self._components.store, self._components.installation
        since = store.silent_since
        if since is None or now.steady - since < DISK_SILENT_S:
            self._disk_told = self._disk_told and since is not None
            return []
        if self._disk_told:
            return []
        self._disk_told = True
        title = fact("disk-silent-on", host=installation.host)
        at = now.wall - (now.steady - since)
        advice = fact("disk-silent-advice", directory=store.directory, since_at=at)
        return [notice(title, [advice], now, installation)]

    def keep_offences(self, state: State, now: Now) -> None:
        """Keep what the servers may hold against us, and tell where that is too much."""
        parts, known = self._components, self._components.store.notes()
        drawn, per_day = parts.guest.budget, parts.policy.offences_per_day
        after, notices = offences.look(drawn, now, parts.installation, per_day)
        parts.guest.take(after, drawn)
        if after != known.offences:
            self.keep(Commit(state, now, notices, notes=replace(known, offences=after)))

    def listening(self, now: Now) -> Fact:
        """Return the clause that says where mailwatch only listens, NOTHING where nowhere."""
        parts = self._components
        return offences.standing(parts.guest.budget, now, parts.policy.offences_per_day)

    def keep_glance(self, state: State, target: TargetState, now: Now) -> None:
        """Keep whether `target` could be restarted, and tell what changed for good."""
        parts = self._components
        known = parts.store.notes()
        after, notices = readiness.look(known.readiness, target, now, parts.installation)
        if after != known.readiness:
            self.keep(Commit(state, now, notices, notes=replace(known, readiness=after)))

    def keep(self, commit: Commit) -> None:
        """Keep all of `commit`, but let out only as many messages as an hour allows."""
        parts = self._components
        per_hour = parts.policy.messages_per_hour
        notes = parts.store.notes() if commit.notes is None else commit.notes
        limited, out = rate_limit.limit(
            notes.rate_limit, commit.messages, commit.now, parts.installation, per_hour
        )
        kept = replace(notes, rate_limit=limited)
        parts.store.commit(
            replace(commit, messages=out, channels=parts.delivery.channels, notes=kept)
        )
        if out:
            parts.delivery.wrote()

    def advance(self, state: State, now: Now) -> None:
        """Tell that a pause has run out, and let out what was held back for long enough."""
        installation = self._components.installation
        if _is_over(self._pause_end, now):
            title = fact("pause-over", host=installation.host)
            watches = fact("watches-again", target=installation.target.called)
            over = notice(title, [watches], now, installation)
            self.keep(Commit(state, now, [over]))
            # Only now: killed in between, the end is announced twice rather than never.
            self.pause(None, now)
        frees_at = self._frees_at()
        if frees_at is not None and frees_at <= now.steady:
            self.keep(Commit(state, now))

    def wake_at(self, now: Now) -> float | None:
        """Return when (steady) advance() has something to do, None as long as nothing has."""
        pause_end = self._pause_end
        moments = [self._frees_at(), None if pause_end is None else pause_end.steady]
        return min((moment for moment in moments if moment is not None), default=None)

    def _frees_at(self) -> float | None:
        """Return when (steady) messages that were one too many may leave, None without any."""
        return rate_limit.frees_at(
            self._components.store.notes().rate_limit, self._components.policy.messages_per_hour
        )


def _is_over(until: Now | None, now: Now) -> bool:
    """Whether a pause has run out that nobody has ended yet."""
    return until is not None and until.steady <= now.steady
