"""What the admin decided: when to look, when to restart, when to call a person."""

from __future__ import annotations

from dataclasses import dataclass

from mailwatch.core.model import Fault

CURABLE_BY_DEFAULT = frozenset(
    {
        Fault.REFUSED,
        Fault.TIMEOUT,
        Fault.SILENT,
        Fault.DROPPED,
        Fault.RESET,
        Fault.TLS,
        Fault.PROTOCOL,
        Fault.STATUS,
    }
)
"""The faults that a restart may cure: each is how a sick server behaves.

A service that is DROPPED is among them, but all services dropped at once is a ban or a
connection limit, for which `core.judgement` never restarts unless the admin says so. One behind
which nothing listens is REFUSED, whoever accepts in its place (`core.observation`).
"""

NEVER_CURED = frozenset({Fault.CERTIFICATE})
"""The faults for which nothing is restarted, even where the admin names them.

The server serves its mail, and one that runs out is warned of for days before.
"""


@dataclass(frozen=True, slots=True)
class Attempts:
    """How one round asks each service: the floor of a detection is `longest_s`."""

    retries: int
    """Attempts in all, >= 1; the first pass ends them."""
    timeout_s: float
    """The time for one whole conversation, > 0."""
    delay_s: float
    """The pause between two attempts, >= 0."""

    @property
    def longest_s(self) -> float:
        """The seconds a round lasts when every attempt times out."""
        return self.retries * self.timeout_s + (self.retries - 1) * self.delay_s


@dataclass(frozen=True, slots=True)
class Policy:
    """Every number that the incident machine judges by; durations are in seconds, >= 0."""

    interval_s: float = 120
    attempts: Attempts = Attempts(retries=3, timeout_s=5, delay_s=5)

    restart_limit_s: float = 90
    """How long a restart call may take in all, > 0: Docker's 30 s of grace, a kill and a start.
    A target whose own settings let it end more slowly gets so much more.

    An interrupted attempt is given up only after this, since the engine may still be at it.
    """
    settle_s: float = 15
    """The wait between a restart and the first check after it."""
    verify_timeout_s: float = 15
    """The longer time for one conversation after a restart, > 0."""
    verify_for_s: float = 60
    """How long after settling a service may still fail before a person is called."""
    verify_every_s: float = 10
    """The pause between two looks while an incident is open, > 0."""

    restart_on: frozenset[Fault] = CURABLE_BY_DEFAULT
    """What of NEVER_CURED is among them restarts nothing all the same."""
    restart_when_all_dropped: bool = False
    min_failure_s: float = 0
    """How long a failure must last before an incident opens; 0 opens it after the first round."""
    backoff_s: float = 300
    """The wait before the second attempt in a row; each further one doubles it."""
    backoff_max_s: float = 3600
    max_restarts: int = 5
    """The budget: restarts in any window of `window_s`, >= 0; 0 never restarts."""
    window_s: float = 6 * 3600
    cooldown_s: float = 300
    """No restart sooner than this after a recovery that a restart brought about."""
    rearm_after_s: float = 3600
    """All well for this long makes the next attempt a first attempt again."""
    boot_grace_s: float = 120
    """How long after a boot, and our start after it, a target that does not run is no failure."""
    start_grace_s: float = 300
    """How long a target may be STARTING before its failures count as failures, > 0."""
    remind_every_s: float = 4 * 3600
    """The pause between reminders of an escalated incident; 0 sends none."""
    messages_per_hour: int = 12
    """Ordinary messages in any hour, >= 1; an incident that heals makes two."""
    offences_per_day: int = 10
    """What one server may hold against us in a day before it is only listened to, >= 1."""
    smtp_per_second: int = 3
    """SMTP connections to one server in any second, 0 for any number of them."""
    unmeasured_after_s: float = 900
    """How long we must have been unable to look before that is told."""
    certificate_days: int = 14
    """From so many days before a certificate expires that is told, once a day; 0 never tells."""

    @property
    def verifying(self) -> Attempts:
        """How services are asked while an incident is open: once, with the longer timeout."""
        return Attempts(retries=1, timeout_s=self.verify_timeout_s, delay_s=0)
