"""Canaries in flight, through a small mail server on loopback whose delivery the test decides."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.endpoint import ProxyHeader, TlsMode
from mailwatch.probes.canary import PUT_OFF_S
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.canary_mark import HEADER
from mailwatch.probes.catalogue import build, build_harmless
from mailwatch.probes.login_record import LOGIN_AGAIN_S, SILENT_ROUNDS
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings
from tests.probes.conftest import attempt, unsaid
from tests.probes.mail_server import MailServer, glance

if TYPE_CHECKING:
    from tests.probes.conftest import Peer

    MakePeer = Callable[..., Peer]

LITTLE_OR_MORE_S = (0.5, 4, 30)
"""What a check is given until it has come far enough, which on a busy machine takes its time."""


@pytest.fixture
def server(peer: MakePeer) -> Iterator[MailServer]:
    """A mail server that delivers at once."""
    server = MailServer(peer)
    yield server
    for event in server.waits_for.values():
        event.set()


def _check(probe: Check, within_s: float = 60, later_s: float = 0) -> Reading:
    """Check once, `later_s` after now for all that the probe knows."""
    began = time.monotonic()
    reading = probe.check(Deadline.after(within_s, lambda: time.monotonic() + later_s))
    assert time.monotonic() - began < within_s + 20
    assert reading.service == probe.settings.key
    assert say(reading.detail).isprintable()
    assert not unsaid(reading.detail)
    assert "hunter2" not in repr(reading)
    return reading


def _glance(probe: Check, later_s: float = 0) -> Reading:
    return glance(lambda: _check(probe, later_s=later_s))


def test_a_canary_arrives_and_is_removed(server: MailServer) -> None:
    """Both legs have their seconds, and only what is ours leaves the mailbox."""
    reading = _check(server.probe())
    assert reading.verdict is Verdict.PASS, reading.detail
    assert list(reading.phases) == ["submit", "arrive"]
    assert list(server.inbox) == [1]
    assert not server.inbox[1].deleted


def test_without_a_thread_no_canary_leaves(
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """A host that allows no further thread has measured nothing, and the next check sends one."""
    probe = server.probe()
    with without_threads():
        reading = _check(probe)
    assert (reading.verdict, reading.detail) == (Verdict.UNMEASURED, fact("no-thread"))
    assert _check(probe).verdict is Verdict.PASS


def test_only_the_mailbox_may_want_a_login(server: MailServer) -> None:
    """Port 25 takes mail from strangers and offers no login: there none is tried."""
    assert _check(server.probe(submit_login=False)).verdict is Verdict.PASS
    assert "AUTH" not in server.said
    assert any("AUTHENTICATE" in line for line in server.commands)
    assert _check(server.probe()).verdict is Verdict.PASS
    assert "AUTH" in server.said


def test_the_mailbox_may_be_elsewhere(server: MailServer) -> None:
    """What is said of the mailbox holds there, and what is not said is as for the submission."""
    submission = ServiceSettings(
        "Canary", "smtp.example.org", 465, TlsMode.IMPLICIT, verify=True, probe="canary",
        server_name="mx.example.org", fingerprint="a" * 64, proxy=ProxyHeader.V2,
    )  # fmt: skip
    same = CanaryRules("a@example.org", "b@example.org").of_imap(submission)
    assert same == replace(submission, port=993)
    other = CanaryRules(
        "a@example.org", "b@example.org", imap_host="imap.example.org",
        imap_fingerprint="b" * 64, imap_proxy=ProxyHeader.NONE,
    ).of_imap(submission)  # fmt: skip
    assert (other.host, other.server_name) == ("imap.example.org", None)
    assert (other.fingerprint, other.proxy, other.verify) == ("b" * 64, ProxyHeader.NONE, True)
    named = CanaryRules("a@example.org", "b@example.org", imap_server_name="box.example.org")
    assert named.of_imap(submission).server_name == "box.example.org"
    assert _check(server.probe(imap_host="127.0.0.1")).verdict is Verdict.PASS


def test_the_message_says_what_it_is(server: MailServer) -> None:
    """A person or an autoresponder that meets it knows what it is, and answers nothing."""
    server.delivers = False
    _glance(server.probe())
    (text,) = server.queue
    assert "Auto-Submitted: auto-generated" in text
    assert "To: <box@example.org>" in text
    assert re.search(rf"^{HEADER}: host=\S+; machine=\w+; token=[0-9a-f]{{32}}$", text, re.M)


def test_between_two_canaries_the_last_answer_holds(server: MailServer) -> None:
    """No connection is made before the next one is due, and it counts as no word of the port."""
    probe = server.probe(every_s=600)
    first = _check(probe)
    assert not first.portless
    connections = len(server.smtp.links)
    held = _check(probe)
    assert held == replace(first, remembered=True)
    assert held.portless
    assert len(server.smtp.links) == connections


def test_a_slow_delivery_is_waited_for_by_later_checks(server: MailServer) -> None:
    """No check outlives its deadline; what is on its way is no failure, and is not sent again."""
    server.delivers = False
    probe = server.probe()
    reading = _check(probe, within_s=4)
    assert reading.verdict is Verdict.UNMEASURED
    assert "has not arrived yet; it has 60 s" in say(reading.detail)
    server.deliver()
    reading = _check(probe)
    assert reading.verdict is Verdict.PASS
    assert len(server.smtp.links) == 1


def test_what_does_not_arrive_is_a_failure_until_another_does(server: MailServer) -> None:
    """The reading says how long it has been away; a late arrival is no proof of health."""
    server.delivers = False
    probe = server.probe(within_s=8)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    reading = _check(probe, later_s=12)
    assert reading.fault is Fault.DELIVERY
    assert "has not arrived in the INBOX of box@example.org" in say(reading.detail)
    assert "taken it for spam" in say(reading.detail)
    server.delivers = True
    server.deliver()
    late = _check(probe, later_s=10)
    assert late.fault is Fault.DELIVERY
    assert re.search(r"arrived after [0-9.]+ s, more than the 8 s it has", say(late.detail))
    assert _check(probe, later_s=10).verdict is Verdict.PASS
    assert list(server.inbox) == [1]


def test_a_held_answer_is_not_given_for_a_canary_that_failed(server: MailServer) -> None:
    """While the next one is under way after a failure, the failure is what is known."""
    server.delivers = False
    probe = server.probe(within_s=10, every_s=20)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    assert _check(probe, later_s=15).fault is Fault.DELIVERY
    assert _glance(probe, later_s=30).fault is Fault.DELIVERY
    assert server.said.count("DATA") == 2


@pytest.mark.parametrize("off_s", [-7200, 0, 7200])
def test_the_seconds_are_those_of_the_delivery(server: MailServer, off_s: float) -> None:
    """Seen two minutes later, a delivery of half a minute reads so, however wrong the clock is."""
    server.clock_is_off_s, server.delivery_takes_s = off_s, 0
    server.delivers = False
    probe = server.probe()
    assert _glance(probe).verdict is Verdict.UNMEASURED
    server.delivery_takes_s = 30
    server.deliver()
    reading = _check(probe, later_s=120)
    assert reading.verdict is Verdict.PASS, reading.detail
    assert 29 <= reading.phases["arrive"] <= 60


def test_a_late_delivery_fails_although_nobody_looked_in_time(server: MailServer) -> None:
    """What the server's dates say decides, not that it was there when somebody looked."""
    server.delivers = False
    probe = server.probe()
    _glance(probe)
    server.delivery_takes_s = 90
    server.deliver()
    reading = _check(probe, later_s=120)
    assert reading.fault is Fault.DELIVERY
    assert "more than the 60 s it has" in say(reading.detail)


def test_dates_that_cannot_be_do_not_count(server: MailServer) -> None:
    """The looks bound what the server's dates may say: not there, and there."""
    server.delivery_takes_s = 5000
    assert _check(server.probe()).phases["arrive"] < 60
    server.delivery_takes_s = -5000
    assert _check(server.probe()).phases["arrive"] >= 0


# --- what the server says no to ---------------------------------------------------------------


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_a_refused_message_is_a_fault_of_delivery(verb: str, server: MailServer) -> None:
    """The server answers by the rules, so that a restart would change nothing."""
    server.answers[verb] = "550 5.7.1 not today"
    reading = _check(server.probe())
    assert reading.fault is Fault.DELIVERY
    assert "550 5.7.1 not today" in say(reading.detail)


def test_what_servers_ban_for_is_not_tried_again_at_once(server: MailServer) -> None:
    """A refusal holds until the next canary is due: three tries a round would end in a ban."""
    server.answers["RCPT"] = "550 who?"
    probe = server.probe(every_s=600)
    first = _check(probe)
    server.answers.clear()
    assert _check(probe) == replace(first, remembered=True)
    assert len(server.smtp.links) == 1
    assert _check(probe, later_s=601).verdict is Verdict.PASS


def test_after_a_restart_another_canary_is_sent_at_once(server: MailServer) -> None:
    """Neither a failure of before nor a message that died with the server stands for the new."""
    server.answers["RCPT"] = "550 who?"
    probe = server.probe(every_s=600)
    assert _check(probe).fault is Fault.DELIVERY
    server.answers.clear()
    server.delivers = False
    probe.forget()
    assert _glance(probe).verdict is Verdict.UNMEASURED
    server.delivers = True
    probe.forget()
    assert _check(probe).verdict is Verdict.PASS
    assert len(server.smtp.links) == 3


@pytest.mark.parametrize("verb", ["AUTH", "AUTHENTICATE"])
def test_a_refused_login_is_tried_again_seldom(verb: str, server: MailServer) -> None:
    """However often canaries fly: servers ban for a hundred refusals a day."""
    server.answers[verb] = "535 no" if verb == "AUTH" else "NO no"
    probe = server.probe(every_s=60)
    first = _check(probe)
    assert first.fault is Fault.AUTHENTICATION
    server.answers.clear()
    assert _check(probe, later_s=120) == replace(first, remembered=True)
    assert _check(probe, later_s=LOGIN_AGAIN_S + 1).verdict is Verdict.PASS


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_a_message_that_is_put_off_is_tried_again(verb: str, server: MailServer) -> None:
    """A greylist wants another try after some minutes; to call a person would be for nothing."""
    server.answers[verb] = "450 4.2.0 greylisted, come again"
    probe = server.probe()
    reading = _check(probe)
    assert reading.verdict is Verdict.UNMEASURED
    assert "greylisted" in say(reading.detail)
    assert "a failure once it lasts 10 min" in say(reading.detail)
    tries = server.said.count("MAIL")
    assert _check(probe, later_s=30).verdict is Verdict.UNMEASURED
    assert server.said.count("MAIL") == tries
    assert _check(probe, later_s=70).verdict is Verdict.UNMEASURED
    assert server.said.count("MAIL") == tries + 1
    server.answers.clear()
    assert _check(probe, later_s=200).verdict is Verdict.PASS


def test_a_message_that_is_put_off_too_long_is_a_failure(server: MailServer) -> None:
    """After the bound, even between two tries, and then only as often as canaries fly."""
    server.answers["RCPT"] = "452 4.2.2 over quota"
    probe = server.probe()
    _check(probe)
    for later_s in (70.0, 200.0, 400.0):
        assert _check(probe, later_s=later_s).verdict is Verdict.UNMEASURED
    reading = _check(probe, later_s=PUT_OFF_S + 1)
    assert reading.fault is Fault.DELIVERY
    assert say(reading.detail).startswith("put off for 10 min")
    assert "the mailbox of box@example.org is full" in say(reading.detail)
    tries = server.said.count("RCPT")
    assert _check(probe, later_s=PUT_OFF_S + 800).fault is Fault.DELIVERY
    assert server.said.count("RCPT") == tries
    assert _check(probe, later_s=PUT_OFF_S + 1000).fault is Fault.DELIVERY
    assert server.said.count("RCPT") == tries + 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    "answer",
    [
        "452 4.4.5 Rate limit exceeded, try again later.",
        "451 4.7.1 Error: too much mail from 192.0.2.1",
        "450 4.7.1 too many messages from you",
        "421 4.7.28 Our system has detected an unusual rate of mail: rate limited",
        "550 5.7.1 sending rate exceeded",
        "554 5.7.0 throttled",
    ],
)
def test_a_limit_of_messages_is_not_a_fault(verb: str, answer: str, server: MailServer) -> None:
    """Others' mail may well flow: it says what to change, however long it lasts."""
    server.answers[verb] = answer
    probe = server.probe(every_s=60)
    for later_s in (0, 100, 700, 1400, 9000):
        reading = _check(probe, later_s=later_s)
        assert reading.verdict is Verdict.UNMEASURED
        assert "raise every_s" in say(reading.detail)
        assert answer[:9] in say(reading.detail)
    assert server.said.count("MAIL") == 4
    server.answers.clear()
    assert _check(probe, later_s=9700).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "answer", ["451 4.3.5 Unable to accept message", "452 4.3.1 Insufficient system storage"]
)
def test_who_blames_itself_is_no_greylist(answer: str, server: MailServer) -> None:
    """It had within_s to recover, and not ten minutes."""
    server.answers["."] = answer
    probe = server.probe(within_s=90)
    assert "a failure once it lasts 90 s" in say(_check(probe).detail)
    assert _check(probe, later_s=65).verdict is Verdict.UNMEASURED
    reading = _check(probe, later_s=95)
    assert reading.fault is Fault.DELIVERY
    assert answer in say(reading.detail)


@pytest.mark.parametrize("every_s", [1, 20, 60])
def test_each_message_is_judged_before_the_next_one_leaves(
    every_s: float, server: MailServer
) -> None:
    """However often they fly: one that replaced another would hide its loss."""
    server.delivers = False
    probe = server.probe(within_s=60, every_s=every_s)
    assert _glance(probe).verdict is Verdict.UNMEASURED
    assert _glance(probe, later_s=40).verdict is Verdict.UNMEASURED
    assert server.said.count("DATA") == 1
    assert _glance(probe, later_s=70).fault is Fault.DELIVERY
    server.queue.clear()
    server.delivers = True
    assert _check(probe, later_s=140).verdict is Verdict.PASS
    assert server.said.count("DATA") == 2


def test_what_was_well_stays_so_while_the_next_is_put_off(server: MailServer) -> None:
    """One greylisted message says nothing against the one that arrived before."""
    probe = server.probe(every_s=600)
    assert _check(probe).verdict is Verdict.PASS
    server.answers["."] = "451 4.7.1 later"
    reading = _check(probe, later_s=601)
    assert (reading.verdict, reading.remembered) == (Verdict.PASS, True)


def test_a_full_mailbox_is_told_as_that(server: MailServer) -> None:
    """The number alone says nothing to most people."""
    server.answers["."] = "552 5.2.2 no room"
    assert "the mailbox of box@example.org is full: " in say(_check(server.probe()).detail)


# --- what takes its time ----------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_a_slow_answer_to_the_message_is_no_hang(verb: str, server: MailServer) -> None:
    """A filter may take longer than an attempt; the submission goes on, the check does not."""
    event = server.waits_for[verb] = threading.Event()
    probe = server.probe()
    for within_s in LITTLE_OR_MORE_S:
        reading = _check(probe, within_s=within_s)
        if "has not said yet whether it takes the message" in say(reading.detail):
            break
    else:
        pytest.fail(f"{reading}")
    assert reading.verdict is Verdict.UNMEASURED
    event.set()
    assert _check(probe).verdict is Verdict.PASS
    assert server.said.count("MAIL") == 1


@pytest.mark.parametrize("verb", ["RCPT", "."])
def test_an_answer_to_the_message_that_never_comes_is_delivery(
    verb: str, server: MailServer
) -> None:
    """It had within_s; a restart is not what cures a filter that hangs."""
    server.waits_for[verb] = threading.Event()
    for within_s in LITTLE_OR_MORE_S:
        reading = _check(server.probe(within_s=0.1), within_s=within_s)
        if reading.fault is Fault.DELIVERY:
            break
    assert reading.fault is Fault.DELIVERY
    assert "did not come in time" in say(reading.detail)


def test_a_message_without_an_answer_is_not_sent_again_and_again(server: MailServer) -> None:
    """It may arrive all the same (RFC 1047): it is looked for, and removed."""
    event = server.waits_for["."] = threading.Event()
    probe = server.probe(within_s=0.1)
    faults = (_check(probe, within_s=within_s).fault for within_s in LITTLE_OR_MORE_S)
    assert Fault.DELIVERY in faults
    assert _glance(probe).fault is Fault.DELIVERY
    assert server.said.count("DATA") == 1
    event.set()
    server.deliver()
    assert _check(probe).fault is Fault.DELIVERY
    assert list(server.inbox) == [1]
    assert _check(probe).verdict is Verdict.PASS


def test_a_break_after_mail_is_delivery_and_one_before_is_not(server: MailServer) -> None:
    """The service was well enough to take a message; what breaks then is about that."""
    server.answers["RCPT"] = "nonsense"
    assert _check(server.probe()).fault is Fault.DELIVERY
    server.answers = {"EHLO": "nonsense"}
    assert _check(server.probe()).fault is Fault.PROTOCOL


def test_the_legs_fail_as_their_protocols_do(server: MailServer) -> None:
    """Nobody at home is refused, whichever leg it is."""
    server.imap.close()
    assert _check(server.probe()).fault is Fault.REFUSED
    server.smtp.close()
    assert _check(server.probe()).fault is Fault.REFUSED


def test_after_an_outage_the_answer_from_before_counts_no_more(server: MailServer) -> None:
    """A server that was down proves itself with a message that arrives."""
    probe = server.probe(every_s=600)
    assert _check(probe).verdict is Verdict.PASS
    server.answers["EHLO"] = "451 ill"
    assert _check(probe, later_s=601).fault is Fault.PROTOCOL
    server.answers.clear()
    server.delivers = False
    assert _glance(probe, later_s=602).verdict is Verdict.UNMEASURED


@pytest.mark.parametrize("made", [build, build_harmless])
def test_a_slow_login_of_the_mailbox_is_waited_for(
    made: Callable[[ServiceSettings], Check], server: MailServer
) -> None:
    """The answer to a login has a time of its own here too, and so has the look after it."""
    server.login_takes_s = 3
    reading = attempt(made(server.settings()), within_s=1.5)
    assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize(
    ("verb", "proven", "fault"),
    [("AUTH", False, Fault.AUTHENTICATION), ("AUTHENTICATE", True, Fault.TIMEOUT)],
)
def test_a_login_that_stays_silent_is_told(
    verb: str, proven: bool, fault: Fault, server: MailServer
) -> None:
    """At either end, after three rounds, as of any other service; and then until the next one."""
    server.waits_for["AUTH"] = threading.Event()
    if verb == "AUTHENTICATE":
        server.hangs_at = verb
        server.waits_for["AUTH"].set()
    probe = build(replace(server.settings(), login_timeout_s=0.0))
    for _ in range(3 * SILENT_ROUNDS):
        probe.begin_round(proven)
        reading = _check(probe, within_s=1)
        if reading.fault is not None:
            break
    assert reading.fault is fault
    assert "though the server answers without a login" in say(reading.detail)
    tried = [*server.said, *(line.split(" ")[1] for line in server.commands)].count(verb)
    assert tried == SILENT_ROUNDS
    assert _check(probe) == replace(reading, remembered=True)


# --- without a message ------------------------------------------------------------------------


def test_a_rehearsal_does_everything_but_submit(server: MailServer) -> None:
    """Both logins are tried; a message is put into the inbox, found there, and removed."""
    before = dict(server.inbox)
    reading = _check(build_harmless(server.settings()))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.said == ["EHLO", "AUTH", "QUIT"]
    verbs = [line.split(" ")[1:3] for line in server.commands]
    for verb in (["APPEND", "INBOX"], ["UID", "FETCH"], ["UID", "STORE"], ["UID", "EXPUNGE"]):
        assert verb in verbs
    assert server.inbox == before


def test_a_rehearsal_proves_that_a_canary_would_be_found(server: MailServer) -> None:
    """A server that does not show what it has stored would have every canary called lost."""
    server.shows_appended = False
    reading = glance(lambda: _check(build_harmless(server.settings())))
    assert reading.fault is Fault.DELIVERY
    assert "not among the newest ones" in say(reading.detail)
    assert server.commands[-1] == "a9 LOGOUT"


@pytest.mark.parametrize("verb", ["SELECT", "APPEND", "FETCH", "STORE", "EXPUNGE"])
def test_a_rehearsal_finds_what_a_canary_would(verb: str, server: MailServer) -> None:
    """Either leg's trouble is told, and the rules say which of them log in."""
    server.answers[verb] = "NO not in this box"
    assert _check(build_harmless(server.settings())).fault is Fault.DELIVERY
    server.answers["AUTH"] = "535 no"
    assert _check(build_harmless(server.settings())).fault is Fault.AUTHENTICATION
    server.answers.pop(verb)
    reading = _check(build_harmless(server.settings(submit_login=False)))
    assert reading.verdict is Verdict.PASS
