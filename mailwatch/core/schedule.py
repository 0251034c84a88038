"""When the next round is due, and how patiently it asks."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.state import Stage, State


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is remembered of the rounds so far; moments are on the steady clock."""

    last_began: float | None = None
    last_ended: float | None = None
    last_stage: Stage | None = None
    """The stage in which the last round began."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next round: when it is due (steady), and how it asks."""

    at: float
    attempts: Attempts


def plan(state: State, rounds: Rounds, now: float, policy: Policy) -> Plan | None:
    """Return the next round, None while the target is being restarted or settles.

    The first one is due at once, and so is the first one after settling. While an incident is
    open every service is asked once and patiently, otherwise as the admin set it.
    """
    if state.stage in (Stage.RESTARTING, Stage.SETTLING):
        return None
    wary = state.stage in (Stage.HEALTHY, Stage.CONFIRMING)
    attempts = policy.attempts if wary else policy.verifying
    if rounds.last_began is None or rounds.last_ended is None:
        return Plan(now, attempts)
    if state.stage is Stage.VERIFYING and rounds.last_stage is not Stage.VERIFYING:
        return Plan(now, attempts)
    if state.stage is Stage.HEALTHY:
        pause_s = policy.interval_s
    else:
        pause_s = min(policy.verify_every_s, policy.interval_s)
    at = max(rounds.last_began + pause_s, rounds.last_ended)
    if state.stage is Stage.VERIFYING and state.due is not None and rounds.last_ended < state.due:
        # The last look falls on the end of the final window, not after it.
        at = min(at, state.due)
    return Plan(at, attempts)
