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
    """A search finds parts of words; what counts, and what is removed, has the whole mark."""
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


def test_the_newest_messages_alone_are_searched(server: MailServer) -> None:
    """A search through all of a large mailbox could take longer than an attempt."""
    server.store("Subject: late\n", time.time())
    server.next_uid = 9000
    assert _check(server.probe()).verdict is Verdict.PASS
    searches = [line for line in server.commands if " SEARCH " in line]
    assert searches
    assert all("SEARCH UID 4002:* HEADER" in line for line in searches)


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
    server.hangs_at = "SEARCH"
    assert any(fault(within_s) is Fault.DELIVERY for within_s in (0.6, 4, 30))
    server.hangs_at = "CAPABILITY"
    assert any(fault(within_s) is Fault.TIMEOUT for within_s in (0.6, 4, 30))
