"""Canaries, sent through a small mail server on loopback whose delivery the test decides."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.secret import Secret
from mailwatch.probes.canary import HEADER
from mailwatch.probes.probe import Check
from mailwatch.probes.registry import build
from mailwatch.probes.settings import CanaryRules, Login, ProxyHeader, ServiceSettings, TlsMode

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]


class MailServer:
    """Takes messages by SMTP and shows those that it delivers by IMAP."""

    def __init__(self, peer: MakePeer) -> None:
        self.queue: list[str] = []
        self.inbox: dict[int, str] = {1: "Subject: somebody's own\n"}
        self.delivers = True
        self.refuses = ""
        """The verb that SMTP says no to."""
        self.said: list[str] = []
        """The verbs that SMTP heard."""
        self.commands: list[str] = []
        self.expunged: list[int] = []
        self._next = 100
        self.smtp = peer(self._smtp)
        self.imap = peer(self._imap)

    def deliver(self) -> None:
        """Put what waits into the inbox."""
        while self.queue:
            self.inbox[self._next] = self.queue.pop(0)
            self._next += 1

    def probe(self, **rules: Any) -> Check:
        """Return a canary for this server."""
        given = {"imap_port": self.imap.port, "imap_tls": TlsMode.NONE, **rules}
        return build(
            ServiceSettings(
                "Canary",
                "127.0.0.1",
                self.smtp.port,
                probe="canary",
                login=Login("box", Secret("hunter2")),
                canary=CanaryRules("canary@example.org", "box@example.org", **given),
            )
        )

    def _smtp(self, link: Link) -> None:
        link.say("220 mail.example.org ESMTP")
        while line := link.hear().decode():
            verb = line.split(" ")[0].upper()
            self.said.append(verb)
            if verb == self.refuses:
                link.say("550 5.7.1 not today")
            elif verb == "EHLO":
                link.say("250-mail.example.org", "250 AUTH PLAIN")
            elif verb == "AUTH":
                link.say("235 welcome")
            elif verb == "DATA":
                link.say("354 go ahead")
                lines = []
                while (text := link.hear().decode()) != ".":
                    lines.append(text)
                self.queue.append("\n".join(lines))
                if self.delivers:
                    self.deliver()
                link.say("250 queued")
            elif verb == "QUIT":
                link.say("221 bye")
                return
            else:
                link.say("250 fine")

    def _imap(self, link: Link) -> None:
        link.say("* OK ready")
        while line := link.hear().decode():
            tag, verb, *rest = line.split(" ")
            self.commands.append(line)
            if verb == "CAPABILITY":
                link.say("* CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN")
            elif verb == "AUTHENTICATE":
                link.say("+ ")
                link.hear()
            elif verb == "LOGOUT":
                link.say("* BYE", f"{tag} OK")
                return
            elif rest[:1] == ["SEARCH"]:
                words = line.rpartition(' "')[2].rstrip('"')
                found = [uid for uid, text in self.inbox.items() if _has(text, words)]
                link.say(" ".join(["* SEARCH", *map(str, found)]))
            elif rest[:1] == ["EXPUNGE"]:
                for uid in map(int, rest[1].split(",")):
                    self.expunged.append(uid)
                    del self.inbox[uid]
            link.say(f"{tag} OK done")


def _has(text: str, words: str) -> bool:
    found = re.search(rf"^{HEADER}: (.*)$", text, re.MULTILINE)
    return found is not None and words in found[1]


@pytest.fixture
def server(peer: MakePeer) -> MailServer:
    """A mail server that delivers at once."""
    return MailServer(peer)


def _check(probe: Check, within_s: float = 10) -> Reading:
    began = time.monotonic()
    reading = probe.check(Deadline.after(within_s, time.monotonic))
    assert time.monotonic() - began < within_s + 3
    assert reading.service == probe.settings.key
    assert "hunter2" not in repr(reading)
    return reading


def test_a_canary_arrives_and_is_removed(server: MailServer) -> None:
    """Both legs have their seconds, and only what is ours leaves the mailbox."""
    reading = _check(server.probe())
    assert reading.verdict is Verdict.PASS, reading.detail
    assert list(reading.phases) == ["submit", "arrive"]
    assert server.inbox == {1: "Subject: somebody's own\n"}
    assert server.expunged == [100]


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
        "Canary", "smtp.example.org", 465, "canary", TlsMode.IMPLICIT, verify=True,
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
    _check(server.probe(), within_s=1)
    (text,) = server.queue
    assert "Auto-Submitted: auto-generated" in text
    assert "To: <box@example.org>" in text
    assert re.search(rf"^{HEADER}: \S+ [0-9a-f]{{32}}$", text, re.MULTILINE)


def test_leftovers_of_earlier_processes_go_too(server: MailServer) -> None:
    """A canary that arrived while nobody waited is removed with the next."""
    _check(server.probe())
    server.delivers = False
    _check(server.probe(), within_s=1)
    server.delivers = True
    assert _check(server.probe()).verdict is Verdict.PASS
    assert len(server.expunged) >= 2
    assert list(server.inbox) == [1]


def test_between_two_canaries_the_last_answer_holds(server: MailServer) -> None:
    """No connection is made before the next one is due."""
    probe = server.probe(every_s=600)
    first = _check(probe)
    connections = len(server.smtp.links)
    assert _check(probe) == first
    assert len(server.smtp.links) == connections


def test_a_slow_delivery_is_waited_for_by_later_checks(server: MailServer) -> None:
    """No check outlives its deadline; what is on its way is no failure, and is not sent again."""
    server.delivers = False
    probe = server.probe()
    reading = _check(probe, within_s=1)
    assert reading.verdict is Verdict.UNMEASURED
    assert "has not arrived yet, and has 60 s" in reading.detail
    server.deliver()
    reading = _check(probe)
    assert reading.verdict is Verdict.PASS
    assert len(server.smtp.links) == 1


def test_what_does_not_arrive_in_time_is_a_failure_until_it_does(server: MailServer) -> None:
    """The reading says how long it has been away; its arrival ends the failure."""
    server.delivers = False
    probe = server.probe(within_s=0.5)
    reading = _check(probe, within_s=2)
    assert reading.fault is Fault.DELIVERY
    assert "has not arrived in the mailbox of box@example.org" in reading.detail
    assert _check(probe, within_s=1).fault is Fault.DELIVERY
    server.deliver()
    assert _check(probe).verdict is Verdict.PASS


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_refused_message_is_a_fault_of_delivery(verb: str, server: MailServer) -> None:
    """The server answers by the rules, so that a restart would change nothing."""
    server.refuses = verb
    reading = _check(server.probe())
    assert reading.fault is Fault.DELIVERY
    assert "550 5.7.1 not today" in reading.detail


def test_what_servers_ban_for_is_not_tried_again_at_once(server: MailServer) -> None:
    """A refusal holds until the next canary is due: three tries a round would end in a ban."""
    server.refuses = "RCPT"
    probe = server.probe(every_s=600)
    first = _check(probe)
    server.refuses = ""
    assert _check(probe) == first
    assert len(server.smtp.links) == 1
    again = server.probe(every_s=0.01)
    server.refuses = "RCPT"
    assert _check(again).fault is Fault.DELIVERY
    server.refuses = ""
    time.sleep(0.02)  # the pause itself, not a wait for something
    assert _check(again).verdict is Verdict.PASS


def test_the_legs_fail_as_their_protocols_do(server: MailServer) -> None:
    """Nobody at home is refused, whichever leg it is."""
    server.imap.close()
    assert _check(server.probe()).fault is Fault.REFUSED
    server.smtp.close()
    assert _check(server.probe()).fault is Fault.REFUSED
