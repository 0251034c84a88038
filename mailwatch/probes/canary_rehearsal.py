"""A canary without a submission: its message is put into the mailbox, found there and removed."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps
from mailwatch.net.errors import SaidNo
from mailwatch.probes.canary_mailbox import Mailbox
from mailwatch.probes.canary_mark import message, new_mark
from mailwatch.probes.canary_settings import Settings
from mailwatch.probes.imap_mailbox import append
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings, options
from mailwatch.probes.smtp import SmtpProbe

_SHARE = 0.5
"""A check that has less than this of its time left leaves the mailbox to the next."""


class CanaryRehearsal(Check):
    """Asks both servers as a canary does; nothing is submitted, and nothing stays."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self._rules = options(settings, Settings)
        self._smtp = SmtpProbe(self._rules.of_smtp(settings))
        self._submission: Reading | None = None

    def patience_s(self, attempt_s: float) -> float:
        """Return what two logins may take, and a look without one after that."""
        return 2 * self.settings.login_timeout_s + attempt_s

    def check(self, deadline: Deadline) -> Reading:
        """Try one end after the other, the second perhaps in a later check; never raises."""
        began = deadline.clock()
        if self._submission is None:
            submission = self._smtp.check(deadline)
            if submission.verdict is not Verdict.PASS:
                return submission
            self._submission = submission
        if deadline.at - deadline.clock() < _SHARE * (deadline.at - began):
            return self.unmeasured(fact("canary-no-time"))
        inbox = _Rehearsed(self.settings, self._rules, new_mark()).check(deadline)
        phases = dict(self._submission.phases)
        for phase, seconds in inbox.phases.items():
            phases[phase] = phases.get(phase, 0.0) + seconds
        return replace(inbox, phases=MappingProxyType(phases))


class _Rehearsed(Mailbox):
    """Puts the message into the inbox itself."""

    def visit(self, talk: Conversation) -> Steps[None]:
        """Append, find and remove the message."""
        sender, recipient = self._rules.sender, self._rules.recipient
        yield from append(talk, "r1", message(sender, recipient, self._mark))
        found = yield from self.find(talk)
        if not found:
            raise SaidNo.of(Fault.DELIVERY, "canary-unseen", recipient=recipient)
        yield from self.remove(talk, "c", {one.uid for one in found})
