"""A canary's mailbox: whose messages leave it, and whose never do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.probes import canary_mark
from mailwatch.probes.canary_mailbox import LEFTOVER_S
from mailwatch.probes.canary_mark import HEADER, Mark, new_mark, read_mark
from mailwatch.probes.probe import Check
from tests.probes.mail_server import MailServer, glance

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]

OLD_S = LEFTOVER_S + 10


@pytest.fixture
def server(peer: MakePeer) -> MailServer:
    """A mail server that delivers at once."""
    return MailServer(peer)


def _check(probe: Check, within_s: float = 60, later_s: float = 0) -> Reading:
    return probe.check(Deadline.after(within_s, lambda: time.monotonic() + later_s))


def _glance(probe: Check) -> Reading:
    return glance(lambda: _check(probe))


def _marked(mark: Mark) -> str:
    return f"Subject: mailwatch canary\n{mark.line}\n"


# --- whose is whose ---------------------------------------------------------------------------


def test_two_processes_of_one_host_fly_at_the_same_time(server: MailServer) -> None:
    """`mailwatch check` beside the service takes its own message alone, and so does the service."""
    server.delivers = False
    service = server.probe()
    assert _glance(service).verdict is Verdict.UNMEASURED
    server.deliver()
    (flying,) = set(server.inbox) - {1}
    server.delivers = True
    assert _check(server.probe()).verdict is Verdict.PASS
    assert flying in server.inbox
    assert not server.inbox[flying].deleted
    assert _check(service).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_leftovers_of_earlier_processes_go_once_nobody_waits(server: MailServer) -> None:
    """Older by a day than the canary that has just arrived, by the server's clock alone."""
    server.clock_is_off_s = -7200
    now = time.time() - 7200
    old = server.store(_marked(new_mark()), now - OLD_S)
    young = server.store(_marked(new_mark()), now - LEFTOVER_S + 60)
    assert _check(server.probe()).verdict is Verdict.PASS
    assert old not in server.inbox
    assert young in server.inbox


def test_messages_of_others_stay_whatever_they_look_like(server: MailServer) -> None:
    """Namesakes, cloned machines, longer names, older forms and forgeries are all left alone."""
    ours = new_mark()
    others = [
        _marked(replace(ours, host=f"{ours.host}0", token="1" * 32)),
        _marked(replace(ours, host=f"x{ours.host}", token="2" * 32)),
        _marked(replace(ours, machine="0" * 16, token="3" * 32)),
        f"{HEADER}: {ours.host} {ours.token} {ours.machine}\n",
        f"Subject: {ours.line}\n",
        f"{ours.line} and more\n",
        f"{ours.line}\n{replace(ours, token='4' * 32).line}\n",
    ]
    stored = [server.store(text, time.time() - OLD_S) for text in others]
    assert _check(server.probe()).verdict is Verdict.PASS
    assert set(stored) <= set(server.inbox)
    assert not any(one.deleted for one in server.inbox.values())


def test_a_message_that_holds_the_token_is_not_yet_the_canary(server: MailServer) -> None:
    """What counts, and what is removed, has the whole mark."""
    server.delivers = False
    probe = server.probe()
    _glance(probe)
    copy = server.queue[0].replace(f"{HEADER}: host=", f"{HEADER}: host=x")
    stored = server.store(copy, time.time())
    assert _glance(probe).verdict is Verdict.UNMEASURED
    server.deliver()
    assert _check(probe).verdict is Verdict.PASS
    assert set(server.inbox) == {1, stored}


def test_a_message_that_was_delivered_twice_goes_twice(server: MailServer) -> None:
    """A server that was interrupted may deliver again (RFC 1047); both are the same canary."""
    server.delivers = False
    probe = server.probe()
    _glance(probe)
    server.queue *= 2
    server.deliver()
    assert _check(probe).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_a_mark_tells_hosts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name and by machine, whose id itself is not told to the mail server."""
    identity = tmp_path / "machine-id"
    identity.write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(canary_mark, "_MACHINE_ID", identity)
    mark = new_mark()
    assert "0123456789abcdef" not in mark.line
    assert mark.is_kin(new_mark())
    assert mark != new_mark()
    assert not mark.is_kin(None)
    identity.write_text("fedcba9876543210fedcba9876543210\n")
    assert not mark.is_kin(new_mark())
    identity.unlink()
    assert not mark.is_kin(new_mark())
    monkeypatch.setattr("socket.gethostname", lambda: "mäil server\n.example")
    assert new_mark().host == "m-il-server-.example"


def test_a_mark_is_read_as_it_was_written_or_folded() -> None:
    """Servers may fold a long line, and write the field's name as they like."""
    mark = Mark("mx1", "0" * 16, "f" * 32)
    assert read_mark(f"{mark.line}\r\n\r\n".encode()) == mark
    folded = mark.line.replace("; ", ";\r\n\t").replace("X-M", "x-m")
    assert read_mark(f"{folded}\r\n\r\n".encode()) == mark
    assert read_mark(b"") is None
    assert read_mark(mark.line.replace("mx1", "m x1").encode()) is None


# --- how it is found --------------------------------------------------------------------------


@pytest.mark.parametrize("offers", ["IMAP4rev1 UIDPLUS AUTH=PLAIN", "IMAP4rev2 AUTH=PLAIN"])
@pytest.mark.parametrize("held", [0, 60, 3000])
@pytest.mark.parametrize("gap", [1, 1000])
def test_it_is_found_in_any_mailbox_without_a_search(
    offers: str, held: int, gap: int, server: MailServer
) -> None:
    """A search may be refused, empty, vague or late (ESEARCH, too), so none is made.

    Neither many old messages nor UIDs with gaps hide it, and all that is fetched is bounded.
    """
    server.offers = offers
    for _ in range(held):
        server.next_uid += gap
        server.store("Subject: old\n", time.time() - 3600)
    server.next_uid += gap
    assert _check(server.probe()).verdict is Verdict.PASS
    assert len(server.inbox) == 1 + held
    assert not any("SEARCH" in line for line in server.commands)


@pytest.mark.parametrize("answer", ["NO not here", "BAD what?", "OK done"])
def test_who_does_not_tell_the_uids_at_the_edges_is_taken_to_have_no_gaps(
    answer: str, server: MailServer
) -> None:
    """The question only helps where a large mailbox has gaps."""
    for _ in range(500):
        server.store("Subject: old\n", time.time() - 3600)
    server.answers = {"b3": answer, "d1": answer}
    assert _check(server.probe()).verdict is Verdict.PASS
    assert len(server.inbox) == 501


def test_others_may_fill_the_mailbox_at_the_same_time(server: MailServer) -> None:
    """Each look begins where the last one ended, however many messages have come in between."""
    server.delivers = False
    looks = 0

    def fill() -> None:
        nonlocal looks
        looks += 1
        for _ in range(120):
            server.store("Subject: theirs\n", time.time())
        if looks == 3:
            server.deliver()
        for _ in range(30 if looks == 3 else 0):
            server.store("Subject: theirs\n", time.time())

    server.before_fetch = fill
    assert _check(server.probe()).verdict is Verdict.PASS
    assert {one.text for one in server.inbox.values()} <= {
        "Subject: theirs\n",
        "Subject: somebody's own\n",
    }


def test_it_is_found_behind_hundreds_that_came_after_it(server: MailServer) -> None:
    """A check that comes later looks through the newest 600 before it calls a message lost."""
    server.delivers = False
    probe = server.probe(within_s=30)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    server.deliver()
    for _ in range(500):
        server.store("Subject: newsletter\n", time.time())
    assert _check(probe, later_s=40).verdict is Verdict.PASS
    assert len(server.inbox) == 501


def test_a_server_may_tell_more_than_was_asked(server: MailServer) -> None:
    """What happens to others' messages meanwhile comes along with any answer."""
    server.chatter = (
        *(f"* {number} FETCH (FLAGS (\\Seen))" for number in range(1, 300)),
        "* 7 EXISTS", "* 3 EXPUNGE", "* VANISHED 9", '* 1 FETCH (UID 1 BODY[HEADER.FIELDS (X)] "")',
    )  # fmt: skip
    assert _check(server.probe()).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_leftovers_that_a_search_never_found_go_in_their_hundreds(server: MailServer) -> None:
    """Version 0.2.0 left one every quarter of an hour where SEARCH finds no such header."""
    old = time.time() - OLD_S
    for _ in range(100):
        server.store(_marked(new_mark()), old)
    for _ in range(1000):
        server.store("Subject: somebody's\n", old)
    for _ in range(400):
        server.store(_marked(new_mark()), old)
    probe = server.probe(every_s=600)
    for later_s in (0, 601, 1202, 1803):
        assert _check(probe, later_s=later_s).verdict is Verdict.PASS
    assert len(server.inbox) == 1001
    assert not any(HEADER in one.text for one in server.inbox.values())
    before = len(server.commands)
    assert _check(probe, later_s=2404).verdict is Verdict.PASS
    assert not any(line.startswith("d") for line in server.commands[before:])


# --- how it is removed ------------------------------------------------------------------------


def test_without_uidplus_it_is_removed_where_that_is_safe(server: MailServer) -> None:
    """EXPUNGE takes all that is marked, which here is ours alone, from earlier too (RFC 4315)."""
    server.offers = "IMAP4rev1 AUTH=PLAIN"
    earlier = server.store(_marked(new_mark()), time.time())
    server.inbox[earlier].deleted = True
    assert _check(server.probe()).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_without_uidplus_what_others_marked_stays(server: MailServer) -> None:
    """People undelete what they marked by mistake: ours is marked, and goes with theirs."""
    server.offers = "IMAP4rev1 AUTH=PLAIN"
    server.inbox[1].deleted = True
    assert _check(server.probe()).verdict is Verdict.PASS
    assert 1 in server.inbox
    (ours,) = set(server.inbox) - {1}
    assert server.inbox[ours].deleted
    assert not any(line.endswith("EXPUNGE") for line in server.commands)
    server.inbox[1].deleted = False
    assert _check(server.probe()).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_without_uidplus_all_stays_where_nobody_says_what_is_marked(server: MailServer) -> None:
    """An answer without even the canary, which was marked just now, says nothing of the rest."""
    server.offers = "IMAP4rev1 AUTH=PLAIN"
    server.inbox[1].deleted = True
    server.answers = {"c3": "OK done"}
    assert _check(server.probe()).verdict is Verdict.PASS
    assert 1 in server.inbox


@pytest.mark.parametrize("verb", ["STORE", "EXPUNGE"])
def test_what_cannot_be_removed_is_told(verb: str, server: MailServer) -> None:
    """Else the mailbox fills up, one message every quarter of an hour; a later check tries on."""
    server.answers[verb] = "NO read-only"
    probe = server.probe()
    reading = _check(probe)
    assert reading.fault is Fault.DELIVERY
    assert "read-only" in say(reading.detail)
    server.answers.clear()
    assert _check(probe).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_leftovers_that_stay_are_no_failure(server: MailServer) -> None:
    """The mail arrived, which is what was asked."""
    server.store(_marked(new_mark()), time.time() - OLD_S)
    server.answers = {"e1": "NO not now"}
    assert _check(server.probe()).verdict is Verdict.PASS
    assert server.commands[-1] == "a9 LOGOUT"


@pytest.mark.parametrize(
    "theirs",
    [
        "* 1 FETCH (FLAGS (\\Deleted))",
        "* 1 FETCH (UID 1 FLAGS (\\Deleted) BODY[HEADER.FIELDS (X)] NIL)",
        '* 1 FETCH (FLAGS (\\Answered \\Deleted \\Seen) UID 2 BODY[HEADER.FIELDS (X)] "")',
    ],
)
def test_without_uidplus_mail_that_is_told_without_its_header_stays(
    theirs: str, server: MailServer
) -> None:
    """Whatever is marked and not certainly ours keeps EXPUNGE away."""
    server.offers = "IMAP4rev1 AUTH=PLAIN"
    server.chatter = (theirs,)
    del server.inbox[1]
    assert _check(server.probe()).verdict is Verdict.PASS
    assert not any(line.endswith("EXPUNGE") for line in server.commands)


def test_without_uidplus_nobody_asks_for_the_flags_of_thousands(server: MailServer) -> None:
    """In a large mailbox ours stays marked: what others have marked there nobody knows."""
    server.offers = "IMAP4rev1 AUTH=PLAIN"
    for _ in range(500):
        server.store("Subject: theirs\n", time.time())
    assert _check(server.probe()).verdict is Verdict.PASS
    assert [one.deleted for one in server.inbox.values()].count(True) == 1
    assert not any(line.endswith("EXPUNGE") for line in server.commands)


# --- where else it may be ---------------------------------------------------------------------


def test_a_canary_among_the_spam_is_told_as_that(server: MailServer) -> None:
    """It arrived, but nobody would have read it; it is removed there too."""
    server.offers += " SPECIAL-USE LIST-EXTENDED"
    server.delivers = False
    probe = server.probe(within_s=30)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    assert not any("LIST" in line for line in server.commands)
    server.spam.update({7: server.stored(server.queue.pop())})
    reading = _check(probe, later_s=40)
    assert reading.fault is Fault.DELIVERY
    assert "the message lies in Bulk mail and not in the INBOX" in say(reading.detail)
    assert not server.spam
    server.delivers = True
    held = _check(probe, later_s=50)
    assert (held.fault, held.remembered) == (Fault.DELIVERY, True)
    assert _check(probe, later_s=1000).verdict is Verdict.PASS


def test_a_slow_mailbox_is_no_hang(server: MailServer) -> None:
    """The server let us in; what takes long then is a mailbox, which no restart makes quicker."""

    def fault(within_s: float) -> Fault | None:
        return _check(server.probe(), within_s=within_s).fault

    # On a busy machine it takes more time to come so far.
    server.hangs_at = "FETCH"
    assert any(fault(within_s) is Fault.DELIVERY for within_s in (0.6, 4, 30))
    server.hangs_at = "CAPABILITY"
    assert any(fault(within_s) is Fault.TIMEOUT for within_s in (0.6, 4, 30))


@pytest.mark.parametrize("tag", ["f1", "f2", "f4", "g1", "g2"])
@pytest.mark.parametrize("answer", ["BAD not here", "NO never"])
def test_a_look_among_the_spam_decides_nothing(tag: str, answer: str, server: MailServer) -> None:
    """Where it fails the message is as lost as without it (mox offers LIST so, and says BAD)."""
    server.offers += " SPECIAL-USE LIST-EXTENDED"
    server.delivers = False
    probe = server.probe(within_s=30)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    server.spam.update({7: server.stored(server.queue.pop())})
    server.answers = {tag: answer}
    reading = _check(probe, later_s=40)
    assert reading.fault is Fault.DELIVERY
    found = "lies in Bulk mail" if tag.startswith("g") else "has not arrived"
    assert found in say(reading.detail)
    assert server.commands[-1] == "a9 LOGOUT"
