"""Looks into the mailbox for a canary, and removes what is ours, and nothing else (RFC 9051)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
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
from mailwatch.probes.imap import ImapProbe, ask
from mailwatch.probes.imap_mailbox import (
    MOST_LINES,
    PAGE,
    Fetched,
    Selected,
    fetch,
    junk_folder,
    numbers,
    pages,
    select,
)
from mailwatch.probes.login_record import LoginRecord
from mailwatch.probes.settings import ServiceSettings

LEFTOVER_S = 86_400.0
"""How much older than a canary another one of this host is, by the server's own clock, when
nobody waits for it any more: longer than any delivery may take, and any pause between looks."""

_LOOK_AGAIN_S = 0.25
_SELDOM_S = 2.0
"""Looks become rarer, down to one in so many seconds."""
_LEAVE_S = 0.5
"""What a look leaves of its time to remove the message and to take leave."""
_NEWEST_PAGES = 4
"""A canary that is not among so many of the newest messages is not there."""
_SWEPT_PAGES = 3
"""Of older messages a visit looks through so many for leftovers."""
_MOST_RECEIVED = 8000
"""Bytes of the header of our own message, which each server on its way has a field in."""
_MOST_FLAGS = 450
"""In a larger mailbox nobody asks which messages are marked as deleted."""


@contextmanager
def mailbox_trouble() -> Iterator[None]:
    """Take what goes wrong within for delivery: the server has let us in, and is well."""
    try:
        yield
    except ConversationError as error:
        kind = SaidNo if isinstance(error, SaidNo) else ConversationError
        raise kind(Fault.DELIVERY if error.fault else None, error.detail) from None


@dataclass(frozen=True, slots=True)
class Arrival:
    """`at` is when we saw it (steady); `took_s` what the servers' clocks say, None for nothing.

    That is from the first `Received` field, of who took the message from us, to INTERNALDATE.
    """

    at: float
    took_s: float | None


class Mailbox(ImapProbe):
    """Looks for one message, after all that an IMAP probe does; good for one check.

    One that is `overdue` is looked for once, in the inbox and then among the spam. Of a large
    inbox the newest `swept` messages hold no leftovers any more; None where none does.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        rules: Settings,
        mark: Mark,
        logins: LoginRecord | None = None,
        *,
        overdue: bool = False,
        swept: int | None = 0,
    ) -> None:
        super().__init__(rules.of_imap(settings), logins)
        self._key = settings.key
        self._rules = rules
        self._mark = mark
        self._overdue = overdue
        self._until = 0.0
        self._clock: Clock = time.monotonic
        self._out_of_step = False
        self._offers: set[bytes] = set()
        self._box = Selected(0, 0)
        self._next_uid = 1
        """Where the UIDs begin that were not looked at yet."""
        self._kin: dict[int, Fetched] = {}
        """The canaries of this host that the selected mailbox was seen to hold, by UID."""
        self.swept = swept
        self.arrival: Arrival | None = None
        self.absent_at: float | None = None
        """When (steady) it was not there for certain, None before the first whole look."""
        self.found_in_junk = ""
        """The folder for spam, where it was found."""

    def check(self, deadline: Deadline) -> Reading:
        """Look until the canary is there or the time is nearly over."""
        self._until = deadline.at - _LEAVE_S
        self._clock = deadline.clock
        # The reading is the canary's, whatever port it is read from.
        return replace(super().check(deadline), service=self._key)

    def converse(self, talk: Conversation) -> Steps[None]:
        """Select the inbox, look at its newest messages, and remove what is ours."""
        yield from super().converse(talk)
        if self.settings.login and not talk.settings.login:
            return  # to see whether the server lives
        self._until = talk.until - _LEAVE_S  # the login has had a time of its own
        with mailbox_trouble():
            untagged = yield from ask(talk, "b1", "CAPABILITY")
            self._offers = {word for words in untagged for word in words[2:]}
            self._box = yield from select(talk, "b2", "INBOX")
            self._next_uid = max(1, self._box.next_uid)
            yield from self.visit(talk)

    def farewell(self, talk: Conversation) -> Steps[None]:
        """Say LOGOUT, where the server still hears us out."""
        if not self._out_of_step:
            yield from super().farewell(talk)

    def visit(self, talk: Conversation) -> Steps[None]:
        """Do what is to be done in the inbox, which is selected; raises ConversationError."""
        if found := (yield from self.find(talk)):
            self.arrival = Arrival(self._clock(), _took_s(found[0]))
            ours = {one.uid for one in found}  # more than one where it was delivered twice
            yield from self.remove(talk, "c", ours)
            yield from self._as_help(self._sweep(talk, ours, found[0].came))
        elif self._overdue:
            yield from self._as_help(self._look_into_junk(talk))

    def find(self, talk: Conversation) -> Steps[list[Fetched]]:
        """Look for this very message while there is time: once for each time it was delivered."""
        sets = yield from pages(talk, "b3", self._box, _NEWEST_PAGES)
        pause_s = _LOOK_AGAIN_S
        while not (found := (yield from self._look(talk, "b", sets))):
            if self._overdue or self._clock() + pause_s >= self._until:
                break
            yield Wait(self._clock() + pause_s)
            pause_s = min(1.2 * pause_s, _SELDOM_S)
            yield from _tell(talk, "b6", "NOOP")
            sets = [f"{self._next_uid}:*"]
        return found

    def remove(self, talk: Conversation, tag: str, ours: set[int]) -> Steps[None]:
        """Remove `ours`; without UIDPLUS only mark it where EXPUNGE would take others' mail too."""
        which = numbers(ours)
        yield from _tell(talk, f"{tag}1", f"UID STORE {which} +FLAGS.SILENT (\\Deleted)")
        if self._offers & {b"UIDPLUS", b"IMAP4REV2"}:
            yield from _tell(talk, f"{tag}2", f"UID EXPUNGE {which}")
            return
        if self._box.exists > _MOST_FLAGS:
            return
        told = yield from fetch(talk, f"{tag}3", "1:*", HEADER)
        deleted = [one for one in told if one.deleted]
        if len(told) < self._box.exists or not ours <= {one.uid for one in deleted}:
            return  # who leaves out a message, or what was just marked, may hide others' mail, too
        # Canaries of this host that are marked were seen by whoever waited for them.
        if all(self._mark.is_kin(read_mark(one.header)) for one in deleted):
            yield from _tell(talk, f"{tag}4", "EXPUNGE")
            self._box = replace(self._box, exists=len(told) - len(deleted))

    def _look(self, talk: Conversation, tag: str, sets: list[str]) -> Steps[list[Fetched]]:
        """Look at the messages of `sets`, one set after the other; the first one is first."""
        began = self._clock()
        for number, uids in enumerate(sets):
            if number and not self._overdue and self._clock() >= self._until:
                return []
            page = yield from self._fetch(talk, f"{tag}4", uids)
            if ours := [one for one in page if read_mark(one.header) == self._mark]:
                which = numbers({one.uid for one in ours})
                more = yield from fetch(
                    talk, f"{tag}5", which, f"{HEADER} Received", _MOST_RECEIVED
                )
                found = [one for one in more if read_mark(one.header) == self._mark] or ours
                return sorted(found, key=lambda one: (one.came or 0.0, one.uid))
        self.absent_at = began
        return []

    def _fetch(self, talk: Conversation, tag: str, uids: str) -> Steps[list[Fetched]]:
        """Return the messages `uids`, and note how far that goes, and which are canaries."""
        page = yield from fetch(talk, tag, uids, HEADER)
        self._next_uid = max([self._next_uid, *(one.uid + 1 for one in page)])
        kin = (one for one in page if self._mark.is_kin(read_mark(one.header)))
        self._kin.update((one.uid, one) for one in kin)
        return page

    def _as_help(self, steps: Steps[None]) -> Steps[None]:
        """Do what decides nothing: what goes wrong there is no fault, and raises nothing."""
        try:
            yield from steps
        except SaidNo:
            pass
        except ConversationError:
            self._out_of_step = True

    def _sweep(self, talk: Conversation, ours: set[int], came: float | None) -> Steps[None]:
        """Remove canaries of this host that earlier processes left behind, some at each visit."""
        if self.swept is not None:
            skip = max(self.swept, PAGE)
            for uids in (yield from pages(talk, "d1", self._box, _SWEPT_PAGES, skip)):
                if self._clock() >= self._until:
                    break
                yield from self._fetch(talk, "d2", uids)
                skip += PAGE
            self.swept = skip if skip < self._box.exists else None
        old = {one.uid for one in self._kin.values() if _is_left(one.came, came)} - ours
        if old:
            yield from self.remove(talk, "e", old)
            self.swept = self.swept and max(0, self.swept - len(old))

    def _look_into_junk(self, talk: Conversation) -> Steps[None]:
        """See whether a filter took it for spam, and remove it there too."""
        absent_at = self.absent_at
        folder = yield from junk_folder(talk, "f1", self._offers)
        if not folder:
            return
        self._box = yield from select(talk, "f2", folder)
        found = yield from self._look(talk, "f", (yield from pages(talk, "f3", self._box, 1)))
        self.absent_at = absent_at
        if found:
            self.found_in_junk = printable(folder.strip('"'), 80)
            yield from self.remove(talk, "g", {one.uid for one in found})


def _tell(talk: Conversation, tag: str, command: str) -> Steps[None]:
    """Say a command to which servers answer a line for each of many messages."""
    yield from ask(talk, tag, command, Fault.DELIVERY, MOST_LINES)


def _is_left(came: float | None, now: float | None) -> bool:
    """Whether a canary that came then waits for nobody any more, as one that came `now` shows."""
    return came is not None and now is not None and now - came > LEFTOVER_S


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
