"""What every check is, and what most are: one conversation, turned into one reading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Fault, Offence, Reading, Verdict
from mailwatch.core.offences import Manner
from mailwatch.host.job import Job
from mailwatch.net.conversation import Conversation
from mailwatch.net.dialogue import answer_to
from mailwatch.net.engine import Steps, Wait, run
from mailwatch.net.errors import ConversationError, SaidNo, bug
from mailwatch.net.expiry import Expiry
from mailwatch.net.logins import Unanswered, masked
from mailwatch.probes.first_look import FirstLook, GaveUp
from mailwatch.probes.login_record import LoginRecord
from mailwatch.probes.settings import ServiceSettings

LEAVE_S = 1.0
"""What a leave-taking may cost whose outcome matters to nobody."""

GRACE_S = 0.5
"""How much later than its deadline a check on a thread may end before it counts as stuck."""


def at_once() -> Steps[None]:
    """Wait for nothing."""
    yield from ()


class Check(ABC):
    """Finds out how one thing is, as often as it is asked to."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.manner = Manner.FREE
        """How the next attempt is to be made."""
        self.turn: Callable[[], Steps[None]] = at_once
        """What an attempt waits for before it connects once more."""
        self._job: Job[Reading] | None = None

    @abstractmethod
    def check(self, deadline: Deadline) -> Reading:
        """Return how it is by `deadline`; never raises."""

    def attempt(self, deadline: Deadline) -> Steps[Reading]:
        """Check on a thread, and let go of it GRACE_S and `patience_s` after `deadline`.

        One that is stuck in the system is not asked again before it has ended, so that threads do
        not pile up.
        """
        before = self._job
        if before and not before.is_over and before.overdue_at < deadline.clock():
            return self.unmeasured(fact("check-stuck"))
        more_s = self.patience_s(deadline.at - deadline.clock())
        self._job = job = Job[Reading](self.settings.key, deadline, GRACE_S + more_s)
        job.start(lambda: self.check(deadline), self.unmeasured)
        if not (yield Wait(job.overdue_at, job)):
            return self.unmeasured(fact("check-late"))
        return job.wait(deadline)

    def unmeasured(self, why: Fact) -> Reading:
        """Return the reading of a service that could not be asked."""
        return Reading(self.settings.key, Verdict.UNMEASURED, detail=why)

    def patience_s(self, attempt_s: float) -> float:
        """Return how much longer a check may last than the `attempt_s` of an attempt."""
        return 0.0

    def begin_round(self, proven: bool = False) -> None:  # noqa: B027  most ask alike in every attempt
        """Know that the attempts that follow are of one round, a new one.

        A service that is `proven` has passed before as it is configured now.
        """

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
    offence: Offence | None = None,
) -> Reading:
    """Return what a check that ended in `error` has read, and seen of a `certificate`."""
    verdict, fault, detail = Verdict.PASS, None, NOTHING
    if error is not None:
        fault, detail = error.fault, error.detail
        verdict = Verdict.UNMEASURED if fault is None else Verdict.FAIL
    if certificate is None:
        return Reading(settings.key, verdict, fault, detail, phases, offence=offence)
    return Reading(
        settings.key,
        verdict,
        fault,
        detail,
        phases,
        certificate_expires=certificate.expires,
        certificate_authority=certificate.authority,
        certificate_signed=certificate.signed,
        offence=offence,
    )


class Probe(Check):
    """Asks one service whether it lives; a subclass knows one protocol's words."""

    last_word = ""
    """The command by which one leaves, empty where there is none."""

    protocol = ""
    """The row in the catalogue that speaks as it does, empty where it is mute."""

    def __init__(self, settings: ServiceSettings, logins: LoginRecord | None = None) -> None:
        super().__init__(settings)
        self._logins = LoginRecord() if logins is None else logins
        self._first_look = FirstLook(settings, self.protocol)
        self._offended = ConversationError.of(None, "only-listened")
        """How the last attempt ended that gave offence, which stands for what is left out."""

    def begin_round(self, proven: bool = False) -> None:
        """Try a login again that was spared for the rest of a round."""
        self._logins.begin_round(proven)

    def check(self, deadline: Deadline) -> Reading:
        """Hold one whole conversation on this thread; never raises."""
        return run(self.attempt(deadline), deadline.clock)

    def attempt(self, deadline: Deadline) -> Steps[Reading]:
        """Hold one whole conversation, over by `deadline`, and say how it went; never raises.

        A login has `login_timeout_s` of its own. Where it stays without an answer, a conversation
        without it follows, in as much time again: whether the server lives is seen there.
        """
        now, clock, careful = deadline.clock(), deadline.clock, self.manner is Manner.CAREFUL
        if self.manner is Manner.LISTENING:
            return (yield from self._only_listen(deadline))
        instead = self._logins.instead(now)
        if self.manner is Manner.WITHOUT_LOGIN:
            instead = instead or self._offended
        without = replace(self.settings, login=None) if self.settings.login else self.settings
        cost = None
        talk = Conversation(without if instead else self.settings, deadline)
        error = yield from self._trouble(talk)
        if isinstance(error, GaveUp):
            yield from self.turn()
            talk = Conversation(talk.settings, Deadline.after(deadline.at - now, clock))
            error = yield from self._trouble(talk)
        if isinstance(error, Unanswered):
            yield from self.turn()
            talk = Conversation(without, Deadline.after(deadline.at - now, clock))
            limit_s, unanswered = self.settings.login_timeout_s, error
            error = yield from self._trouble(talk)
            error = error or self._logins.unanswered(unanswered, now, limit_s)
        elif instead and not error:
            return reading_of(self.settings, instead, talk.phases(), talk.certificate)
        elif self.settings.login and (error is None or error.fault is Fault.AUTHENTICATION):
            self._logins.answered(error, now)
        if error and error.fault:
            error = self._first_look.explain(error, talk) or error
            cost = self._first_look.cost(error, talk, careful=careful)
        else:
            self._first_look.trust(error)
        if careful and error and error.fault is Fault.SILENT:
            yield from self.turn()
            again = Deadline.after(deadline.at - now, clock)
            error, cost = yield from self._first_look.try_otherwise(error, again)
        if error and cost:
            self._offended = error
        return reading_of(self.settings, error, talk.phases(), talk.certificate, cost)

    def _only_listen(self, deadline: Deadline) -> Steps[Reading]:
        """Send nothing; who shows nothing so is neither well nor ill."""
        talk = Conversation(self.settings, deadline)
        error = last = self._offended
        if last.fault is not None:
            error = ConversationError.of(None, "only-listened-since", found=last.detail)
        try:
            yield from self._first_look.only_listen(talk, deadline.clock)
        except ConversationError as caught:
            error = caught
        finally:
            talk.close()
        return reading_of(self.settings, error, talk.phases())

    def forget(self) -> None:
        """Try a login that was refused again: what kept its passwords may have hung too."""
        self._logins.forget()

    def _trouble(self, talk: Conversation) -> Steps[ConversationError | None]:
        """Return the error in which the conversation ends, without the password; raises nothing."""
        error = None
        try:
            yield from self._hold(talk)
        except ConversationError as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001  it says nothing about the service
            error = bug(caught)
        finally:
            talk.close()
        if error and self.settings.login:
            error.detail = masked(error.detail, self.settings.login)
        return error

    def _hold(self, talk: Conversation) -> Steps[None]:
        yield from talk.reach()
        if self.manner is Manner.CAREFUL or self._first_look.in_doubt:
            yield from self._first_look.listen(talk)
        yield from talk.introduce()
        try:
            yield from self.converse(talk)
        except SaidNo:
            # What matters is known; a peer that says no and then hangs costs no more than this.
            talk.hurry(LEAVE_S)
            with suppress(ConversationError):
                yield from self.farewell(talk)
                yield from talk.part()
            raise
        try:
            yield from self.farewell(talk)
        except ConversationError as error:
            # Life was shown. Any answer and any end is a farewell; only who hangs may be sick.
            if error.fault is Fault.TIMEOUT:
                raise
        yield from talk.part()

    @abstractmethod
    def converse(self, talk: Conversation) -> Steps[None]:
        """Say and hear everything that shows life; raises ConversationError."""

    def farewell(self, talk: Conversation) -> Steps[None]:
        """Leave by the last word and hear a line, also after a SaidNo; raises as `converse`."""
        if self.last_word:
            talk.say(self.last_word)
            yield from talk.line(answer_to(self.last_word.split(" ")[-1]))
