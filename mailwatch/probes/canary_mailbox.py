"""Looks into the mailbox for a canary, and removes what is ours, and nothing else (RFC 9051)."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.model import Fault, Reading
from mailwatch.core.text import printable
from mailwatch.net.conversation import Conversation
from mailwatch.net.engine import Steps, Wait
from mailwatch.net.errors import ConversationError, SaidNo
from mailwatch.probes.canary_mark import HEADER, Mark, read_mark
from mailwatch.probes.canary_settings import Settings
from mailwatch.probes.imap import Goodbye, ImapProbe, ask
from mailwatch.probes.imap_mailbox import MAX_MESSAGES, Fetched, fetch, junk_folder, numbers
from mailwatch.probes.settings import ServiceSettings

LEFTOVER_S = 86_400.0
"""How much older than a canary another one of this host is, by the server's own clock, when
nobody waits for it any more: longer than any delivery may take, and any pause between looks."""

_LOOK_AGAIN_S = 0.25
_SELDOM_S = 2.0
"""Looks become rarer, down to one in so many seconds."""
_LEAVE_S = 0.5
"""What a look leaves of its time to remove the message and to take leave."""
_NEWEST = 5000
"""So many of the newest UIDs are searched: a search of all could take a large mailbox long."""
_STORAGE = frozenset({Fault.TIMEOUT, Fault.SILENT, Fault.RESET, Fault.DROPPED})
"""What a mailbox that is slow or broken looks like, in a server that is well."""


@contextmanager
def mailbox_trouble() -> Iterator[None]:
    """Take a break within for one of delivery: the server has let us in, and is well."""
    try:
        yield
    except SaidNo:
        raise
    except ConversationError as error:
        storage = error.fault in _STORAGE or isinstance(error, Goodbye)
        fault = Fault.DELIVERY if storage else error.fault
        raise ConversationError(fault, error.detail) from None


@dataclass(frozen=True, slots=True)
class Arrival:
    """`at` is when we saw it (steady); `took_s` what the servers' clocks say, None for nothing.

    That is from the first `Received` field, of who took the message from us, to INTERNALDATE.
    """

    at: float
    took_s: float | None


class Mailbox(ImapProbe):
    """Looks for one message, after all that an IMAP probe does; good for one check.

    One that is `overdue` is looked for once, in the inbox and then among the spam.
    """

    def __init__(
        self, settings: ServiceSettings, rules: Settings, mark: Mark, *, overdue: bool = False
    ) -> None:
        super().__init__(rules.of_imap(settings))
        self._key = settings.key
        self._mark = mark
        self._overdue = overdue
        self._until = 0.0
        self._clock: Clock = time.monotonic
        self._out_of_step = False
        self.arrival: Arrival | None = None
        self.absent_at: float | None = None
        """When (steady) it was not there for certain, None before the first look."""
        self.found_in_junk = ""
        """The folder for spam, where it was found and removed."""

    def check(self, deadline: Deadline) -> Reading:
        """Look until the canary is there or the time is nearly over."""
        self._until = deadline.at - _LEAVE_S
        self._clock = deadline.clock
        # The reading is the canary's, whatever port it is read from.
        return replace(super().check(deadline), service=self._key)

    def converse(self, talk: Conversation) -> Steps[None]:
        """Select the inbox, search it again and again, and remove what is found."""
        yield from super().converse(talk)
        if self.settings.login and not talk.login:
            return  # to see whether the server lives
        with mailbox_trouble():
            yield from self._visit(talk)

    def farewell(self, talk: Conversation) -> Steps[None]:
        """Say LOGOUT, where the server still hears us out."""
        if not self._out_of_step:
            yield from super().farewell(talk)

    def _visit(self, talk: Conversation) -> Steps[None]:
        untagged = yield from ask(talk, "b1", "CAPABILITY")
        offers = {word for words in untagged for word in words[2:]}
        newest = _newest((yield from ask(talk, "b2", "SELECT INBOX", Fault.DELIVERY)))
        pause_s = _LOOK_AGAIN_S
        while not (found := (yield from self._look(talk, newest))):
            if self._overdue:
                yield from self._look_into_junk(talk, offers)
                return
            if self._clock() + pause_s >= self._until:
                return
            yield Wait(self._clock() + pause_s)
            pause_s = min(1.2 * pause_s, _SELDOM_S)
            yield from ask(talk, "b5", "NOOP")
        self.arrival = Arrival(self._clock(), _took_s(found[0]))
        ours = {one.uid for one in found}  # more than one where it was delivered twice
        yield from self._remove(talk, "c", ours, offers)
        try:
            if leftovers := (yield from self._leftovers(talk, newest, found[0].came)) - ours:
                yield from self._remove(talk, "e", leftovers, offers)
        except SaidNo:
            pass  # the next canary finds them again
        except ConversationError:
            self._out_of_step = True

    def _look_into_junk(self, talk: Conversation, offers: set[bytes]) -> Steps[None]:
        """See whether a filter took it for spam, and remove it there too."""
        absent_at = self.absent_at
        if folder := (yield from junk_folder(talk, "f1", offers)):
            newest = _newest((yield from ask(talk, "f2", f"SELECT {folder}", Fault.DELIVERY)))
            if found := (yield from self._look(talk, newest)):
                self.found_in_junk = printable(folder.strip('"'), 80)
                yield from self._remove(talk, "c", {one.uid for one in found}, offers)
        self.absent_at = absent_at

    def _look(self, talk: Conversation, newest: str) -> Steps[list[Fetched]]:
        """Return this very message, once for each time it was delivered, the first one first."""
        began = self._clock()
        uids = yield from _search(talk, "b3", f'{newest}HEADER {HEADER} "{self._mark.token}"')
        found = (yield from fetch(talk, "b4", uids, f"{HEADER} Received")) if uids else []
        found = [one for one in found if read_mark(one.header) == self._mark]
        if not found:
            self.absent_at = began
        return sorted(found, key=lambda one: (one.came or 0.0, one.uid))

    def _leftovers(self, talk: Conversation, newest: str, came: float | None) -> Steps[set[int]]:
        """Return the canaries of this host that an earlier process left behind."""
        uids = yield from _search(talk, "d1", f'{newest}HEADER {HEADER} "{self._mark.machine}"')
        if came is None or not uids:
            return set()
        kin = yield from self._kin(talk, "d2", uids)
        return {one.uid for one in kin if one.came is not None and came - one.came > LEFTOVER_S}

    def _remove(
        self, talk: Conversation, tag: str, ours: set[int], offers: set[bytes]
    ) -> Steps[None]:
        """Remove `ours`; without UIDPLUS only mark it where EXPUNGE would take others' mail too."""
        which = numbers(ours)
        mark = f"UID STORE {which} +FLAGS.SILENT (\\Deleted)"
        yield from ask(talk, f"{tag}1", mark, Fault.DELIVERY)
        if b"UIDPLUS" in offers or b"IMAP4REV2" in offers:
            yield from ask(talk, f"{tag}2", f"UID EXPUNGE {which}", Fault.DELIVERY)
            return
        deleted = yield from _search(talk, f"{tag}3", "DELETED")
        if not ours <= deleted:
            return  # who does not name what was just marked may leave out others' mail, too
        others = deleted - ours
        if len(others) > MAX_MESSAGES:
            return
        # Canaries of this host that are marked were seen by whoever waited for them.
        kin = (yield from self._kin(talk, f"{tag}4", others)) if others else []
        if others <= {one.uid for one in kin}:
            yield from ask(talk, f"{tag}5", "EXPUNGE", Fault.DELIVERY)

    def _kin(self, talk: Conversation, tag: str, uids: Collection[int]) -> Steps[list[Fetched]]:
        """Return the canaries of this host among `uids`."""
        found = yield from fetch(talk, tag, uids, HEADER)
        return [one for one in found if self._mark.is_kin(read_mark(one.header))]


def _search(talk: Conversation, tag: str, criteria: str) -> Steps[set[int]]:
    """Return the UIDs of the messages that fit; a part of a word fits too."""
    answer = yield from ask(talk, tag, f"UID SEARCH {criteria}", Fault.DELIVERY)
    found = [word for line in answer if line[1:2] == [b"SEARCH"] for word in line[2:] if word]
    if not all(re.fullmatch(rb"[1-9][0-9]{0,9}", word) for word in found):
        raise ConversationError.of(Fault.PROTOCOL, "imap-search-nonsense")
    return {int(word) for word in found}


def _newest(selected: list[list[bytes]]) -> str:
    """Return the criterion of the newest messages, empty where the server tells no UIDNEXT."""
    for words in selected:
        if words[1:3] == [b"OK", b"[UIDNEXT"] and words[3:]:
            number = words[3].rstrip(b"]")
            if re.fullmatch(rb"[1-9][0-9]{0,9}", number):
                return f"UID {max(1, int(number) - _NEWEST)}:* "
    return ""


def _took_s(message: Fetched) -> float | None:
    from email.utils import mktime_tz, parsedate_tz

    lines = re.sub(rb"\r?\n(?=[ \t])", b"", message.header).splitlines()
    fields = [line for line in lines if line.lower().startswith(b"received:")]
    if message.came is None or not fields:
        return None
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        # Each server puts its own above the others' (RFC 5321 section 4.4).
        date = parsedate_tz(fields[-1].rpartition(b";")[2].decode("ascii", "replace").strip())
        if date is not None:
            return message.came - mktime_tz(date)
    return None
