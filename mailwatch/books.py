"""Keeps the books: what the rounds have shown, and which messages may leave within the hour."""

from __future__ import annotations

from collections.abc import Sequence

from mailwatch.core import blindness, certificates, pausing, proven, ratelimit
from mailwatch.core.blindness import Blindness
from mailwatch.core.certificates import Certificates
from mailwatch.core.model import Message, Now, Reading
from mailwatch.core.proven import Proven
from mailwatch.core.state import Incident, State
from mailwatch.parts import Parts


class Books:
    """Writes into the store, and tells the courier."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._blind: Blindness | None = None

    def replace(self, parts: Parts) -> None:
        """Go on with other parts."""
        self._parts = parts

    def paused_until(self, now: Now) -> Now | None:
        """Return the end of the admin's pause, None where none is in force."""
        return pausing.in_force(self._parts.store.paused_until(now), now)

    def unproven(self) -> frozenset[str]:
        """Return the services that have never passed as they are configured now."""
        return proven.unproven(self._parts.store.proven(), self._parts.settings)

    def keep_round(self, state: State, readings: Sequence[Reading], now: Now) -> None:
        """Keep what a round has shown, and tell what of it is no matter of an incident."""
        store, policy, voice = self._parts.store, self._parts.policy, self._parts.voice
        store.record(readings, now)
        kept = store.blindness()
        blind = kept if self._blind is None else self._blind
        self._blind, notices = blindness.look(blind, readings, now, voice, policy)
        lasting = self._blind.to_keep
        known = store.certificates()
        told, warnings = certificates.look(known, readings, now, voice, policy)
        before = store.proven()
        after = proven.look(before, readings, self._parts.settings)
        if lasting != kept or told != known or after != before:
            messages = (*notices, *warnings)
            self.keep(state, messages, now, certificates=told, proven=after, blindness=lasting)

    def keep(
        self,
        state: State,
        messages: Sequence[Message],
        now: Now,
        *,
        closed: Incident | None = None,
        certificates: Certificates | None = None,
        proven: Proven | None = None,
        blindness: Blindness | None = None,
    ) -> None:
        """Keep the state, and let out as many messages as an hour allows, in one transaction.

        See `store.base.Store.commit` for all that may be None.
        """
        store, voice = self._parts.store, self._parts.voice
        per_hour = self._parts.policy.messages_per_hour
        ledger, out = ratelimit.limit(store.ledger(), messages, now, voice, per_hour)
        store.commit(
            state,
            out,
            now,
            closed=closed,
            ledger=ledger,
            certificates=certificates,
            proven=proven,
            blindness=blindness,
        )
        if out:
            self._parts.courier.wrote()

    def advance(self, state: State, now: Now) -> None:
        """Tell that a pause has run out, and let out what was held back for long enough."""
        store, policy, voice = self._parts.store, self._parts.policy, self._parts.voice
        if pausing.is_over(store.paused_until(now), now):
            self.keep(state, [pausing.over(now, voice, policy.priority)], now)
            # Only now: killed in between, the end is announced twice rather than never.
            store.pause(None)
        frees_at = self._frees_at()
        if frees_at is not None and frees_at <= now.steady:
            self.keep(state, (), now)

    def wake_at(self, now: Now) -> float | None:
        """Return when (steady) advance() has something to do, None as long as nothing has."""
        paused_until = self._parts.store.paused_until(now)
        moments = [self._frees_at(), None if paused_until is None else paused_until.steady]
        return min((moment for moment in moments if moment is not None), default=None)

    def _frees_at(self) -> float | None:
        """Return when (steady) messages that were one too many may leave, None without any."""
        return ratelimit.frees_at(self._parts.store.ledger(), self._parts.policy.messages_per_hour)
