"""What every check is, and what most are: one conversation, turned into one reading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.host.job import Job
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps, Wait, run
from mailwatch.net.errors import ConversationError, SaidNo, bug
from mailwatch.net.expiry import Expiry
from mailwatch.net.logins import masked
from mailwatch.probes.settings import ServiceSettings

LOGIN_AGAIN_S = 1800.0
"""How long a login that was refused is not tried again: servers ban for a hundred a day."""

LEAVE_S = 1.0
"""What a leave-taking may cost whose outcome matters to nobody."""

GRACE_S = 0.5
"""How much later than its deadline a check on a thread may end before it counts as stuck."""


class Check(ABC):
    """Finds out how one thing is, as often as it is asked to."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self._job: Job[Reading] | None = None

    @abstractmethod
    def check(self, deadline: Deadline) -> Reading:
        """Return how it is by `deadline`; never raises."""

    def attempt(self, deadline: Deadline) -> Steps[Reading]:
        """Check on a thread, and let go of it GRACE_S after `deadline`.

        One that is stuck in the system is not asked again before it has ended, so that threads do
        not pile up.
        """
        before = self._job
        if before and not before.is_over and before.overdue_at < deadline.clock():
            return self.unmeasured(fact("check-stuck"))
        self._job = job = Job[Reading](self.settings.key, deadline, GRACE_S)
        job.start(lambda: self.check(deadline), self.unmeasured)
        if not (yield Wait(job.overdue_at, job)):
            return self.unmeasured(fact("check-late"))
        return job.wait(deadline)

    def unmeasured(self, why: Fact) -> Reading:
        """Return the reading of a service that could not be asked."""
        return Reading(self.settings.key, Verdict.UNMEASURED, detail=why)

    def forget(self) -> None:  # noqa: B027  most remember nothing
        """Let nothing that was found so far stand for the next check: the server is new."""


def trouble_of(ask: Callable[[], None]) -> ConversationError | None:
    """Return the error in which `ask` ends, None where all is well; a bug of ours is one too."""
    try:
        ask()
    except ConversationError as error:
        return error
    except Exception as error:  # noqa: BLE001  it says nothing about the service
        return bug(error)
    return None


def reading_of(
    settings: ServiceSettings,
    error: ConversationError | None,
    phases: Mapping[str, float],
    certificate: Expiry | None = None,
) -> Reading:
    """Return what a check that ended in `error` has read, and seen of a `certificate`."""
    if error is None:
        reading = Reading(settings.key, Verdict.PASS, phases=phases)
    else:
        verdict = Verdict.UNMEASURED if error.fault is None else Verdict.FAIL
        reading = Reading(settings.key, verdict, error.fault, error.detail, phases)
    if certificate is None:
        return reading
    return replace(
        reading,
        certificate_expires=certificate.expires,
        certificate_authority=certificate.authority,
        certificate_signed=certificate.signed,
    )


class Probe(Check):
    """Asks one service whether it lives; a subclass knows one protocol's words."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self._refusal: tuple[float, Fact] | None = None
        """When a login was refused (steady), and how."""

    def check(self, deadline: Deadline) -> Reading:
        """Hold one whole conversation on this thread, over by `deadline`; never raises."""
        return run(self.attempt(deadline), deadline.clock)

    def attempt(self, deadline: Deadline) -> Steps[Reading]:
        """Hold one whole conversation, over by `deadline`, and say how it went; never raises."""
        now = deadline.clock()
        refused = NOTHING
        if self._refusal and now - self._refusal[0] < LOGIN_AGAIN_S:
            refused = self._refusal[1]
        settings = replace(self.settings, login=None) if refused else self.settings
        talk, error = Conversation(settings, deadline), None
        try:
            yield from self._hold(talk, refused)
        except ConversationError as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001  it says nothing about the service
            error = bug(caught)
        finally:
            talk.close()
        if error and self.settings.login:
            error.detail = masked(error.detail, self.settings.login)
        if error and error.fault is Fault.AUTHENTICATION and not refused:
            self._refusal = now, error.detail
        return reading_of(self.settings, error, talk.phases(), talk.certificate)

    def forget(self) -> None:
        """Try a login that was refused again: what kept its passwords may have hung too."""
        self._refusal = None

    def _hold(self, talk: Conversation, refused: Fact) -> Steps[None]:
        yield from talk.open()
        try:
            yield from self.converse(talk)
        except SaidNo:
            # What matters is known; a peer that says no and then hangs costs no more than this.
            talk.hurry(LEAVE_S)
            with suppress(ConversationError):
                yield from self.farewell(talk)
                yield from talk.part()
            raise
        yield from self.farewell(talk)
        yield from talk.part()
        if refused:
            raise ConversationError(Fault.AUTHENTICATION, refused)

    @abstractmethod
    def converse(self, talk: Conversation) -> Steps[None]:
        """Say and hear everything that shows life; raises ConversationError."""

    def farewell(self, _talk: Conversation) -> Steps[None]:
        """Leave, also after a SaidNo, in the protocol's words or none; raises as `converse`."""
        yield from ()
