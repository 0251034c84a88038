"""A wrong answer to what is seldom said of a canary's mailbox: see test_verbs.

That is the look among the spam, the removal where the server has no UIDPLUS, and of what an
earlier process left behind, and the look of a rehearsal, which changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Reading, Verdict
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.canary import CanaryRehearsal
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mailbox import Mailbox
from mailwatch.probes.settings import ServiceSettings
from tests.probes.test_verbs import (
    CAPABLE,
    DELIVERY,
    FIELDS,
    HELLO,
    LOGIN,
    LOGOUT,
    MARK,
    MARKED,
    PLAIN,
    QUIT,
    REFUSED,
    Line,
    Talk,
    check_heard,
    check_reading,
    every,
    imap,
    server,
)

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]

DATE = 'INTERNALDATE "{}-Jan-2026 03:04:05 +0000"'
ANOTHER = replace(MARK, token="0" * 32).line
LET_IN = (
    Line("", "* OK hi"),
    CAPABLE,
    Line("a4 AUTHENTICATE PLAIN", "+", REFUSED),
    Line(PLAIN, "a4 OK", REFUSED),
)


def _offers(words: str) -> Line:
    return Line("b1 CAPABILITY", f"* CAPABILITY IMAP4rev1 {words}\nb1 OK")


def _marked(tag: str, uid: int, mark: str, day: str) -> str:
    """Return an answer to FETCH of one message that came on a day of January."""
    head = f"* 1 FETCH (UID {uid} {DATE.format(day)} BODY[{FIELDS}] {{{len(mark) + 4}}}"
    return f"{head}\n{mark}\n\n)\n{tag} OK"


SELECT = Line("b2 SELECT INBOX", "* 1 EXISTS\nb2 OK", DELIVERY)
FOUND = Line("b3 UID SEARCH", "* SEARCH 7\nb3 OK", DELIVERY)
FETCH = Line("b4 UID FETCH 7", _marked("b4", 7, MARK.line, "05"), DELIVERY)
STORE = Line("c1 UID STORE 7", "c1 OK", DELIVERY)
EXPUNGE = Line("c2 UID EXPUNGE 7", "c2 OK", DELIVERY)
NO_MORE = Line("d1 UID SEARCH", "* SEARCH\nd1 OK", DELIVERY)
UNIMPORTANT = ("d", "e")
"""Where the tags of what is left behind begin: what goes wrong there goes on to the next canary."""

MAILBOXES = {
    "spam": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("UIDPLUS SPECIAL-USE LIST-EXTENDED"),
            SELECT,
            Line("b3 UID SEARCH", "* SEARCH\nb3 OK", DELIVERY),
            Line("f1 LIST", '* LIST (\\Junk) "/" Spam\nf1 OK', DELIVERY),
            Line("f2 SELECT Spam", "* 1 EXISTS\nf2 OK", DELIVERY),
            FOUND,
            Line("b4 UID FETCH 7", f"{MARKED}\nb4 OK", DELIVERY),
            STORE,
            EXPUNGE,
            LOGOUT,
        ),
    ),
    "no UIDPLUS": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("X"),
            SELECT,
            FOUND,
            FETCH,
            STORE,
            Line("c3 UID SEARCH DELETED", "* SEARCH 5 7\nc3 OK", DELIVERY),
            Line("c4 UID FETCH 5", _marked("c4", 5, ANOTHER, "05"), DELIVERY),
            Line("c5 EXPUNGE", "* 1 EXPUNGE\nc5 OK", DELIVERY),
            NO_MORE,
            LOGOUT,
        ),
    ),
    "left behind": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("UIDPLUS"),
            SELECT,
            FOUND,
            FETCH,
            STORE,
            EXPUNGE,
            Line("d1 UID SEARCH", "* SEARCH 5\nd1 OK", DELIVERY),
            Line("d2 UID FETCH 5", _marked("d2", 5, ANOTHER, "02"), DELIVERY),
            Line("e1 UID STORE 5", "e1 OK", DELIVERY),
            Line("e2 UID EXPUNGE 5", "e2 OK", DELIVERY),
            LOGOUT,
        ),
    ),
    "rehearsal": Talk(
        "Canary",
        imap,
        (*LET_IN, Line("b1 EXAMINE INBOX", "* 1 EXISTS\nb1 OK", DELIVERY), LOGOUT),
    ),
}
SUBMISSION = Talk(
    "Canary", imap, (Line("", "220 hi"), HELLO, Line(f"AUTH PLAIN {PLAIN}", "235"), QUIT)
)


def _look(talk: Talk, there: Peer, peer: MakePeer) -> Reading:
    rules = CanaryRules(
        "a@example.org", "b@example.org", imap_port=there.port, imap_tls=TlsMode.NONE
    )
    settings = ServiceSettings(
        "Canary", "127.0.0.1", 25, probe="canary", login=LOGIN, options=rules
    )
    deadline = Deadline.after(10, time.monotonic)
    if talk is MAILBOXES["rehearsal"]:
        port = peer(server(SUBMISSION)).port
        return CanaryRehearsal(replace(settings, port=port)).check(deadline)
    return Mailbox(settings, rules, MARK, overdue=talk is MAILBOXES["spam"]).check(deadline)


@pytest.mark.parametrize("name", MAILBOXES)
def test_each_table_is_a_whole_conversation(name: str, peer: MakePeer) -> None:
    """What the tables have is all that is said: with every answer right the look is a pass."""
    talk = MAILBOXES[name]
    there = peer(server(talk))
    reading = _look(talk, there, peer)
    assert reading.verdict is Verdict.PASS, reading.detail
    check_heard(there.link, talk, len(talk.lines) - 1, leaves=True)


@pytest.mark.parametrize(("talk", "at"), every(MAILBOXES))
def test_every_wrong_answer_of_a_mailbox(talk: Talk, at: int, peer: MakePeer) -> None:
    """It is a fault of its kind, or none of this canary where it is about an earlier one."""
    line = talk.lines[at]
    for wrong in talk.wrongs(line):
        there = peer(server(talk, at, wrong.answer))
        reading = _look(talk, there, peer)
        if line is LOGOUT or line.says.startswith(UNIMPORTANT):
            assert reading.verdict is Verdict.PASS, wrong
        else:
            check_reading(reading, wrong)
        check_heard(there.link, talk, at, wrong.leaves)
