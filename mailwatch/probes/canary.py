"""A canary: a message of our own, submitted over SMTP, must arrive by IMAP (RFC 6409, RFC 9051).

A round must not wait for a delivery, which may take a minute where a queue is busy. So a check
submits the message and looks for it as long as its deadline allows; a later check looks again.
Only a message that is older than `within_s` is a failure. Between two canaries, `every_s` apart,
the last answer holds, and nobody is asked anything.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.offences import Manner
from mailwatch.core.text import duration
from mailwatch.host.job import Job
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.canary_mailbox import Arrival, Mailbox
from mailwatch.probes.canary_mark import Mark, new_mark
from mailwatch.probes.canary_rehearsal import CanaryRehearsal
from mailwatch.probes.canary_settings import KEYS, Settings
from mailwatch.probes.canary_submission import Submission
from mailwatch.probes.login_record import LOGIN_AGAIN_S, LoginRecord
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings, options

__all__ = ["KEYS", "PROBE", "REHEARSAL", "CanaryProbe", "Settings", "ends", "judge", "warn"]

SELDOM_ENOUGH_S = 144.0
"""25 messages an hour are what Stalwart takes from one sender's domain for one recipient."""

PUT_OFF_S = 600.0
"""How long a server may at least put a message off: greylists mostly want five minutes."""

_AGAIN_S = 60.0
"""The pause before the second try of what was put off; each further one is twice as long."""

_SHARE = 0.5
"""A check that has less than this of its time left leaves the mailbox to the next."""

_WINDUP_S = 0.05
"""How much sooner than the check its submission must have come to MAIL."""

_ROUNDING_S = 1.0
"""Of the difference between two moments that are told to the second."""


@dataclass(slots=True)
class _Flight:
    """A canary under way; `left` and `absent` are steady moments, set as they become known."""

    mark: Mark
    submission: Submission
    began: float
    job: Job[Reading]
    """Over once the server has taken the message or not; its answer says which."""
    left: float = 0.0
    absent: float = 0.0
    """Until when it had not arrived for certain."""
    arrive_s: float | None = None
    judged: bool = False
    """Whether it is known to be lost: another one may leave, and this one may still arrive."""

    def submit(self, deadline: Deadline) -> Reading:
        """Submit the message; raises nothing."""
        reading = self.submission.check(deadline)
        self.left = self.absent = deadline.clock()
        return reading


class CanaryProbe(Check):
    """Sends canaries and waits for them; it remembers the one in flight from check to check."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self._rules = options(settings, Settings)
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        self._due = float("-inf")
        self._last: Reading | None = None
        """How the last canary fared, None where nobody knows any more."""
        self._held: Reading | None = None
        """What holds until the next one is due."""
        self._put_off_since: float | None = None
        self._anew = False
        self._submits, self._reads = LoginRecord(), LoginRecord()
        """What is known of the login of either end."""
        self._swept: int | None = 0
        """How many of the newest messages hold no leftovers any more; None where none does."""

    def forget(self) -> None:
        """Send another one with the next check: this one may have been lost with the server."""
        self._anew = True
        self._submits.forget()
        self._reads.forget()

    def begin_round(self, proven: bool = False) -> None:
        """Try the logins again that were spared for the rest of a round."""
        self._submits.begin_round(proven)
        self._reads.begin_round(proven)

    def patience_s(self, attempt_s: float) -> float:
        """Return what the login of the mailbox may take, and a look without it after that."""
        return self.settings.login_timeout_s + attempt_s

    def check(self, deadline: Deadline) -> Reading:
        """Submit a canary where one is due, and look for the one in flight; never raises."""
        # A round that was cancelled lets go of its checks, and the next one comes on top.
        enough_s = _SHARE * _left_s(deadline)
        if not self._lock.acquire(timeout=max(0.0, enough_s)):
            return self.unmeasured(fact("check-busy"))
        try:
            return self._fly(deadline, enough_s)
        finally:
            self._lock.release()

    def _fly(self, deadline: Deadline, enough_s: float) -> Reading:
        now = deadline.clock()
        if self.manner in (Manner.LISTENING, Manner.WITHOUT_LOGIN):
            return self._meanwhile(fact("only-listened"))
        if self._anew:
            self._anew = False
            self._flight = self._last = self._held = self._put_off_since = None
            self._due = now
        flight = self._flight
        if flight is None and now < self._due and self._held is not None:
            return replace(self._held, remembered=True)
        if flight is None or (flight.judged and now >= self._due):
            flight = self._flight = self._launch(deadline)
        if not flight.job.ends_within(max(0.0, _left_s(deadline))):
            begun = flight.submission.begun
            return self._meanwhile(fact("canary-submitting" if begun else "canary-stuck"))
        submitted = flight.job.wait(deadline)
        if not (flight.submission.accepted or flight.submission.sent):
            return self._not_submitted(flight, submitted, deadline.clock())
        self._put_off_since = None
        if submitted.fault is not None:
            self._last = submitted
        if _left_s(deadline) < enough_s:
            return self._meanwhile(self._under_way(deadline.clock() - flight.left))
        return self._look(flight, submitted, deadline)

    def _launch(self, deadline: Deadline) -> _Flight:
        """Submit a message on a thread of its own, which may outlast this check by `within_s`."""
        mark, now = new_mark(), deadline.clock()
        alive = Deadline(deadline.at - _WINDUP_S, deadline.clock)
        submission = Submission(self.settings, self._rules, mark, self._submits)
        submission.manner = self.manner
        flight = _Flight(mark, submission, now, Job("canary", alive))
        flight.job.start(lambda: flight.submit(alive), self.unmeasured)
        self._due = now + self._rules.every_s
        return flight

    def _not_submitted(self, flight: _Flight, reading: Reading, now: float) -> Reading:
        self._flight = None
        if flight.submission.limited:
            return self._limited(reading, now)
        if flight.submission.put_off:
            return self._put_off(flight.submission, reading, now)
        self._put_off_since = None
        if reading.fault is Fault.DELIVERY or _is_of_the_login(reading):
            return self._refused(reading, now)
        # The server, or this host, is not well: whatever was true of delivery, it is no more.
        self._due, self._last = now, None
        return reading

    def _limited(self, reading: Reading, now: float) -> Reading:
        """Ask seldom where the server takes no more of our messages: others' may well arrive."""
        self._put_off_since = None
        self._due = now + max(self._rules.every_s, PUT_OFF_S)
        self._held = self.unmeasured(fact("canary-limited", answer=reading.detail))
        return self._held

    def _put_off(self, submission: Submission, reading: Reading, now: float) -> Reading:
        """Try again later, as RFC 5321 section 4.5.4.1 wants it, but for a time only."""
        if self._put_off_since is None:
            self._put_off_since = now
        lasts_s = now - self._put_off_since
        enough_s = self._rules.within_s
        if not submission.in_trouble:
            enough_s = max(enough_s, PUT_OFF_S)
        if lasts_s >= enough_s:
            detail = fact("canary-put-off-long", lasts_s=lasts_s, answer=reading.detail)
            return self._refused(replace(reading, detail=detail), now)
        self._due = now + min(max(lasts_s, _AGAIN_S), self._rules.every_s, enough_s - lasts_s)
        detail = fact("canary-put-off", answer=reading.detail, enough_s=enough_s)
        self._held = self._meanwhile(detail)
        return self._held

    def _refused(self, reading: Reading, now: float) -> Reading:
        """Ask no more before the next canary is due where a no counts towards a ban."""
        login_s = LOGIN_AGAIN_S if reading.fault is Fault.AUTHENTICATION else 0.0
        self._due = now + max(self._rules.every_s, login_s)
        self._flight, self._last, self._held = None, reading, reading
        return reading

    def _look(self, flight: _Flight, submitted: Reading, deadline: Deadline) -> Reading:
        overdue = deadline.clock() - flight.left >= self._rules.within_s
        mailbox = Mailbox(
            self.settings,
            self._rules,
            flight.mark,
            self._reads,
            overdue=overdue,
            swept=self._swept,
        )
        reading = mailbox.check(deadline)
        now, self._swept = deadline.clock(), mailbox.swept
        if mailbox.absent_at is not None:
            flight.absent = max(flight.absent, mailbox.absent_at)
        if mailbox.arrival and flight.arrive_s is None:
            flight.arrive_s = _arrive_s(flight, mailbox.arrival)
        if _is_of_the_login(reading):
            return self._refused(reading, now)
        if reading.verdict is not Verdict.PASS:
            self._last = None
            return reading
        away_s = now - flight.left
        legs = {
            Phase.SUBMIT.value: flight.left - flight.began,
            Phase.ARRIVE.value: away_s if flight.arrive_s is None else flight.arrive_s,
        }
        reading = replace(reading, phases=MappingProxyType(legs))
        if flight.arrive_s is not None or mailbox.found_in_junk:
            self._flight = None
        elif submitted.fault is None and not overdue:
            return self._meanwhile(self._under_way(away_s))
        flight.judged = True
        if trouble := self._trouble(flight, submitted, mailbox.found_in_junk, away_s):
            reading = replace(reading, verdict=Verdict.FAIL, fault=Fault.DELIVERY, detail=trouble)
            if flight.arrive_s is not None:
                self._due = now  # it holds until another one does better
        self._last = self._held = reading
        return reading

    def _trouble(self, flight: _Flight, submitted: Reading, junk: str, away_s: float) -> Fact:
        """Return what is wrong with a message whose end is known, NOTHING where it did well."""
        rules = self._rules
        if submitted.fault is not None:
            return submitted.detail
        if junk:
            return fact("canary-in-junk", folder=junk, recipient=rules.recipient)
        if flight.arrive_s is None:
            return fact("canary-lost", away_s=away_s, recipient=rules.recipient)
        if flight.arrive_s > rules.within_s + _ROUNDING_S:
            return fact("canary-late", took_s=flight.arrive_s, within_s=rules.within_s)
        return NOTHING

    def _under_way(self, away_s: float) -> Fact:
        return fact("canary-under-way", away_s=away_s, within_s=self._rules.within_s)

    def _meanwhile(self, detail: Fact) -> Reading:
        """Return what is known while nothing new is."""
        return replace(self._last, remembered=True) if self._last else self.unmeasured(detail)


PROBE = CanaryProbe
REHEARSAL = CanaryRehearsal


def ends(service: ServiceSettings) -> tuple[tuple[str, ServiceSettings], ...]:
    """Return the port where messages are submitted, and that of the mailbox."""
    rules = options(service, Settings)
    return (("tls", rules.of_smtp(service)), ("imap_tls", rules.of_imap(service)))


def warn(at: str, service: ServiceSettings) -> Iterator[str]:
    """Give what works, but should not stay so."""
    if options(service, Settings).every_s < SELDOM_ENOUGH_S:
        yield (
            f"{at} sends a message every {duration(options(service, Settings).every_s)}, and a "
            "server may take 25 an hour from one sender, as Stalwart does; set every_s to "
            f"{SELDOM_ENOUGH_S:.0f} or more"
        )


def judge(at: str, service: ServiceSettings, given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give what the options contradict: the key, and the sentence on it."""
    if not any(name == "user" or name.startswith("password_") for name in given):
        yield (
            "user",
            f'{at} has no user, whose mailbox probe = "canary" looks into; add user, and '
            "password_file or password_credential",
        )
    if options(service, Settings).imap_tls is TlsMode.NONE:
        for name in ("imap_server_name", "imap_fingerprint"):
            if name in given:
                yield (
                    name,
                    f"{at}.{name} is set, but the mailbox of {service.key} is asked without TLS; "
                    f'add imap_tls = "implicit", or remove {name}',
                )


def _is_of_the_login(reading: Reading) -> bool:
    """Whether a login failed, by a refusal or by silence."""
    silent = reading.fault is not None and reading.detail.code == "login-unanswered"
    return silent or reading.fault is Fault.AUTHENTICATION


def _left_s(deadline: Deadline) -> float:
    return deadline.at - deadline.clock()


def _arrive_s(flight: _Flight, arrival: Arrival) -> float:
    """Return the seconds from submission to arrival, between the last two looks for certain."""
    seen_s = arrival.at - flight.left
    took_s = seen_s if arrival.took_s is None else arrival.took_s
    return min(max(took_s, flight.absent - flight.left), seen_s)
