"""A canary without its message: both logins and a look at the inbox, for who must send nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.conversation import Conversation
from mailwatch.probes.canary_mailbox import mailbox_trouble
from mailwatch.probes.canary_settings import SHARE, Settings
from mailwatch.probes.imap import ImapProbe, ask
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings, options
from mailwatch.probes.smtp import SmtpProbe


class CanaryRehearsal(Check):
    """Asks both servers as a canary does; nothing is submitted, and nothing changes."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        rules = options(settings, Settings)
        self._smtp = SmtpProbe(rules.of_smtp(settings))
        self._imap = _Inbox(rules.of_imap(settings))
        self._submission: Reading | None = None

    def check(self, deadline: Deadline) -> Reading:
        """Try one login after the other, the second perhaps in a later check; never raises."""
        began = deadline.clock()
        if self._submission is None:
            submission = self._smtp.check(deadline)
            if submission.verdict is not Verdict.PASS:
                return submission
            self._submission = submission
        key = self.settings.key
        if deadline.at - deadline.clock() < SHARE * (deadline.at - began):
            return Reading(key, Verdict.UNMEASURED, detail=fact("canary-no-time"))
        inbox = self._imap.check(deadline)
        phases = dict(self._submission.phases)
        for phase, seconds in inbox.phases.items():
            phases[phase] = phases.get(phase, 0.0) + seconds
        return replace(inbox, service=key, phases=MappingProxyType(phases))


class _Inbox(ImapProbe):
    """Opens the inbox to read alone, after all that an IMAP probe does."""

    def converse(self, talk: Conversation) -> None:
        super().converse(talk)
        with mailbox_trouble():
            ask(talk, "b1", "EXAMINE INBOX", Fault.DELIVERY)
