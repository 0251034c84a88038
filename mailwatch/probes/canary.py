"""A canary: a message of our own, submitted over SMTP, must arrive by IMAP (RFC 6409, RFC 9051).

A round must not wait for a delivery, which may take a minute where a queue is busy. So a check
submits the message and looks for it as long as its deadline allows; a later check looks again.
Only a message that is older than `within_s` is a failure. Between two canaries, `every_s` apart,
the last answer holds, and nobody is asked anything.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, replace
from types import MappingProxyType

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.text import duration
from mailwatch.probes.conversation import Conversation
from mailwatch.probes.errors import ConversationError, SaidNo
from mailwatch.probes.imap import ImapProbe, ask
from mailwatch.probes.probe import Check
from mailwatch.probes.replies import expect
from mailwatch.probes.settings import CanaryRules, ServiceSettings
from mailwatch.probes.smtp import SmtpProbe

HEADER = "X-Mailwatch-Canary"

_COUNTED = (Fault.AUTHENTICATION, Fault.DELIVERY)
"""What mail servers ban for: failed logins, and refused recipients."""

_LOOK_AGAIN_S = 0.25
_LEAVE_S = 0.5
"""What a look at the mailbox leaves of its time to take leave."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A canary on its way: its token, when it left (steady), and how long it took to submit."""

    token: str
    left: float
    submitting_s: float


class CanaryProbe(Check):
    """Sends canaries and waits for them; it remembers the one in flight from check to check."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__(settings)
        self._rules = settings.canary or CanaryRules("", "")
        self._owner = _owner()
        self._flight: _Flight | None = None
        self._left: float | None = None
        self._last: Reading | None = None

    def check(self, deadline: Deadline) -> Reading:
        """Submit a canary where one is due, and look for the one in flight; never raises."""
        now = deadline.clock()
        fresh = self._left is not None and now - self._left < self._rules.every_s
        if self._flight is None and fresh and self._last is not None:
            return self._last
        if self._flight is None or not fresh:
            submission = _Submission(self.settings, self._rules, self._owner)
            reading = submission.check(deadline)
            if reading.verdict is not Verdict.PASS:
                return self._refused(reading, deadline)
            self._left = deadline.clock()
            self._flight = _Flight(submission.token, self._left, self._left - now)
        return self._look(self._flight, deadline)

    def _refused(self, reading: Reading, deadline: Deadline) -> Reading:
        """Ask no more before the next canary is due where a no counts towards a ban."""
        if reading.fault in _COUNTED:
            self._flight, self._last, self._left = None, reading, deadline.clock()
        return reading

    def _look(self, flight: _Flight, deadline: Deadline) -> Reading:
        mailbox = _Mailbox(self.settings, self._rules, self._owner, flight.token)
        reading = mailbox.check(deadline)
        if reading.verdict is not Verdict.PASS:
            return self._refused(reading, deadline)
        away_s = deadline.clock() - flight.left
        phases = {Phase.SUBMIT.value: flight.submitting_s, Phase.ARRIVE.value: away_s}
        reading = replace(reading, phases=MappingProxyType(phases))
        if mailbox.arrived:
            self._flight = None
            self._last = reading
            return reading
        words = f"a message that was submitted {duration(away_s)} ago has not arrived"
        if away_s >= self._rules.within_s:
            detail = f"{words} in the mailbox of {self._rules.recipient}"
            self._last = None
            return replace(reading, verdict=Verdict.FAIL, fault=Fault.DELIVERY, detail=detail)
        detail = f"{words} yet, and has {duration(self._rules.within_s)}"
        return self._last or replace(reading, verdict=Verdict.UNMEASURED, detail=detail)


class _Submission(SmtpProbe):
    """Submits one message, after all that an SMTP probe does."""

    def __init__(self, settings: ServiceSettings, rules: CanaryRules, owner: str) -> None:
        login = settings.login if rules.submit_login else None
        super().__init__(replace(settings, login=login))
        self.token = os.urandom(16).hex()
        self._rules = rules
        self._owner = owner

    def converse(self, talk: Conversation) -> None:
        """Say MAIL, RCPT and DATA, and the message."""
        from email.utils import formatdate

        super().converse(talk)
        rules = self._rules
        _submit(talk, f"MAIL FROM:<{rules.sender}>", 250, "the answer to MAIL")
        # 251: the server forwards it (RFC 5321 section 3.4); whether it arrives is seen later.
        _submit(talk, f"RCPT TO:<{rules.recipient}>", 250, "the answer to RCPT", also=251)
        _submit(talk, "DATA", 354, "the answer to DATA")
        lines = (
            f"From: <{rules.sender}>",
            f"To: <{rules.recipient}>",
            "Subject: mailwatch canary",
            f"Date: {formatdate()}",
            f"Message-ID: <{self.token}@{self._owner}>",
            f"{HEADER}: {self._owner} {self.token}",
            "Auto-Submitted: auto-generated",
            "",
            "mailwatch sends this to see that mail arrives, and removes it.",
        )
        for line in lines:
            talk.say(line)
        _submit(talk, ".", 250, "the answer to the message")


def _submit(
    talk: Conversation, line: str, wanted: int, awaiting: str, also: int | None = None
) -> None:
    """Say one line; a no is about this message, and nothing that a restart would cure."""
    talk.say(line)
    try:
        expect(talk, wanted, awaiting, also=also)
    except SaidNo as refusal:
        raise SaidNo(Fault.DELIVERY, refusal.detail) from None


class _Mailbox(ImapProbe):
    """Looks for the canary and removes it, after all that an IMAP probe does."""

    def __init__(
        self, settings: ServiceSettings, rules: CanaryRules, owner: str, token: str
    ) -> None:
        super().__init__(rules.of_imap(settings))
        self._key = settings.key
        self._owner = owner
        self._token = token
        self._until = 0.0
        self._clock: Clock = time.monotonic
        self.arrived = False

    def check(self, deadline: Deadline) -> Reading:
        """Look until the canary is there or the time is nearly over."""
        self._until = deadline.at - _LEAVE_S
        self._clock = deadline.clock
        # The reading is the canary's, whatever port it is read from.
        return replace(super().check(deadline), service=self._key)

    def converse(self, talk: Conversation) -> None:
        """Select the inbox, search it again and again, and remove what is found."""
        super().converse(talk)
        offers = {word for words in ask(talk, "b1", "CAPABILITY") for word in words[2:]}
        ask(talk, "b2", "SELECT INBOX", Fault.DELIVERY)
        while not _search(talk, "b3", self._token):
            if self._clock() + _LOOK_AGAIN_S >= self._until:
                return
            time.sleep(_LOOK_AGAIN_S)
            ask(talk, "b4", "NOOP")
        self.arrived = True
        # With those of earlier processes of ours that nobody waits for any more.
        found = ",".join(_search(talk, "b5", self._owner))
        ask(talk, "b6", f"UID STORE {found} +FLAGS.SILENT (\\Deleted)", Fault.DELIVERY)
        if b"UIDPLUS" in offers:
            # EXPUNGE alone would also remove what the owner of the mailbox has marked.
            ask(talk, "b7", f"UID EXPUNGE {found}", Fault.DELIVERY)


def _search(talk: Conversation, tag: str, words: str) -> list[str]:
    """Return the UIDs of the messages whose canary header holds `words`."""
    command = f'UID SEARCH UNDELETED HEADER {HEADER} "{words}"'
    answer = ask(talk, tag, command, Fault.DELIVERY)
    found = [word for line in answer if line[1:2] == [b"SEARCH"] for word in line[2:] if word]
    if not all(word.isdigit() for word in found):
        raise ConversationError(Fault.PROTOCOL, "the answer to SEARCH holds more than numbers")
    return [word.decode("ascii") for word in found]


def _owner() -> str:
    """Return what tells the canaries of this host from those of others."""
    name = socket.gethostname()[:64]
    return "".join(one if one.isascii() and (one.isalnum() or one in ".-") else "-" for one in name)
