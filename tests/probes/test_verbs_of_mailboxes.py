"""A wrong answer to what is seldom said of a canary's mailbox: see test_verbs.

That is the look among the spam, the removal where the server has no UIDPLUS, and of what an
earlier process left behind, and a rehearsal, which puts its message there itself.
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
from mailwatch.probes import canary_rehearsal
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mailbox import Mailbox
from mailwatch.probes.canary_rehearsal import CanaryRehearsal
from mailwatch.probes.settings import ServiceSettings
from tests.probes.test_verbs import (
    CAPABLE,
    DELIVERY,
    ENDS,
    FETCH,
    FETCH_IT,
    HELLO,
    LOGIN,
    LOGOUT,
    MARK,
    PLAIN,
    QUIT,
    REFUSED,
    Line,
    Talk,
    check_heard,
    check_reading,
    every,
    imap,
    marked,
    server,
)

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]

ANOTHER = replace(MARK, token="0" * 32).line
LET_IN = (
    Line("", "* OK hi"),
    CAPABLE,
    Line("a4 AUTHENTICATE PLAIN", "+", REFUSED),
    Line(PLAIN, "a4 OK", REFUSED),
    Line("a5 NOOP", "a5 OK"),
)


def _offers(words: str) -> Line:
    return Line("b1 CAPABILITY", f"* CAPABILITY IMAP4rev1 {words}\nb1 OK", DELIVERY)


SELECT = Line("b2 SELECT INBOX", "* 1 EXISTS\nb2 OK", DELIVERY)
STORE = Line("c1 UID STORE 7", "c1 OK", DELIVERY)
EXPUNGE = Line("c2 UID EXPUNGE 7", "c2 OK", DELIVERY)
UNIMPORTANT = ("d", "e", "f", "g")
"""Where the tags of what is left behind, and of the spam, begin: what is only a help."""

MAILBOXES = {
    "spam": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("UIDPLUS SPECIAL-USE LIST-EXTENDED"),
            SELECT,
            Line("b4 UID FETCH 1:*", "b4 OK", DELIVERY),
            Line("f1 LIST", '* LIST (\\Junk) "/" Spam\nf1 OK', DELIVERY),
            Line("f2 SELECT Spam", "* 1 EXISTS\nf2 OK", DELIVERY),
            Line("f4 UID FETCH 1:*", marked("f4"), DELIVERY),
            Line("f5 UID FETCH 7", marked("f5"), DELIVERY),
            Line("g1 UID STORE 7", "g1 OK", DELIVERY),
            Line("g2 UID EXPUNGE 7", "g2 OK", DELIVERY),
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
            FETCH,
            FETCH_IT,
            STORE,
            Line("c3 UID FETCH 1:*", marked("c3", flags="\\Seen \\Deleted"), DELIVERY),
            Line("c4 EXPUNGE", "* 1 EXPUNGE\nc4 OK", DELIVERY),
            LOGOUT,
        ),
    ),
    "large": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("UIDPLUS"),
            Line("b2 SELECT INBOX", "* 200 EXISTS\n* OK [UIDNEXT 300] next\nb2 OK", DELIVERY),
            Line("b3 FETCH 51 (UID)", "* 51 FETCH (UID 60)\nb3 OK", DELIVERY),
            Line("b4 UID FETCH 60:*", marked("b4"), DELIVERY),
            FETCH_IT,
            STORE,
            EXPUNGE,
            Line("d1 FETCH 51 (UID)", "* 51 FETCH (UID 60)\nd1 OK", DELIVERY),
            Line("d2 UID FETCH 1:59", marked("d2", 5, ANOTHER, "02"), DELIVERY),
            Line("e1 UID STORE 5", "e1 OK", DELIVERY),
            Line("e2 UID EXPUNGE 5", "e2 OK", DELIVERY),
            LOGOUT,
        ),
    ),
    "rehearsal": Talk(
        "Canary",
        imap,
        (
            *LET_IN,
            _offers("UIDPLUS"),
            SELECT,
            Line("r1 APPEND INBOX (\\Seen)", "+", DELIVERY),
            Line(ENDS, "r1 OK", DELIVERY),
            FETCH,
            FETCH_IT,
            STORE,
            EXPUNGE,
            LOGOUT,
        ),
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


@pytest.fixture
def _known_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary_rehearsal, "new_mark", lambda: MARK)


@pytest.mark.usefixtures("_known_mark")
@pytest.mark.parametrize("name", MAILBOXES)
def test_each_table_is_a_whole_conversation(name: str, peer: MakePeer) -> None:
    """What the tables have is all that is said: with every answer right the look is a pass."""
    talk = MAILBOXES[name]
    there = peer(server(talk))
    reading = _look(talk, there, peer)
    assert reading.verdict is Verdict.PASS, reading.detail
    check_heard(there.link, talk, len(talk.lines) - 1, leaves=True)


@pytest.mark.usefixtures("_known_mark")
@pytest.mark.parametrize(
    ("talk", "at"),
    [one for one in every(MAILBOXES) if not str(one.id).endswith("FETCH 51 (UID)")],
)
def test_every_wrong_answer_of_a_mailbox(talk: Talk, at: int, peer: MakePeer) -> None:
    """It is a fault of its kind, or none of this canary where it is about what only helps.

    Without an answer on the UIDs at the edges they are guessed, and the talk goes on.
    """
    line = talk.lines[at]
    for wrong in talk.wrongs(line):
        there = peer(server(talk, at, wrong.answer))
        reading = _look(talk, there, peer)
        if line is LOGOUT or line.says.startswith(UNIMPORTANT):
            assert reading.verdict is Verdict.PASS, wrong
        else:
            check_reading(reading, wrong)
        check_heard(there.link, talk, at, wrong.leaves)
