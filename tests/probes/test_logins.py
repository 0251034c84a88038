from __future__ import annotations

import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.dialogue import answer_to
from mailwatch.net.endpoint import Login, TlsMode
from mailwatch.net.logins import masked, plain, quoted, wrapped
from mailwatch.probes.catalogue import build
from mailwatch.probes.login_record import LOGIN_AGAIN_S
from mailwatch.probes.settings import ServiceSettings
from tests.probes.scripts import in_turn

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]

LOGIN = Login("watch", Secret('s3"c\\ret'))
PLAIN = b64encode(b'\0watch\0s3"c\\ret')
USER, PASSWORD = b64encode(b"watch"), b64encode(b's3"c\\ret')
HELLO, QUIT = b"EHLO [127.0.0.1]", b"QUIT"
ASK, USE, LEAVE = b"a1 CAPABILITY", b"a5 NOOP", b"a9 LOGOUT"


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
@pytest.mark.parametrize(
    ("offer", "answers", "heard"),
    [
        ("AUTH PLAIN LOGIN", ["235 welcome"], [b"AUTH PLAIN " + PLAIN]),
        ("AUTH=PLAIN LOGIN", ["235 welcome"], [b"AUTH PLAIN " + PLAIN]),
        ("AUTH PLAIN", ["334 ", "235 welcome"], [b"AUTH PLAIN " + PLAIN, PLAIN]),
        ("AUTH PLAIN", ["334", "235 welcome"], [b"AUTH PLAIN " + PLAIN, PLAIN]),
        (
            "AUTH=CRAM-MD5\n250-SIZE\n250-AUTH GSSAPI\n250-AUTH PLAIN\n250 AUTH NTLM",
            ["235 welcome"],
            [b"AUTH PLAIN " + PLAIN],
        ),
        ("auth login plain", ["235 welcome"], [b"AUTH PLAIN " + PLAIN]),
        (
            "AUTH LOGIN",
            ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"],
            [b"AUTH LOGIN", USER, PASSWORD],
        ),
    ],
)
def test_smtp(
    tls: TlsMode,
    offer: str,
    answers: list[str],
    heard: list[bytes],
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """SMTP logs in by PLAIN, else by LOGIN, as the answer to EHLO offers it."""
    server = peer(
        in_turn(
            "220 hi", f"250-hi\n250{'-' if '250' in offer else ' '}{offer}", *answers, "221 bye"
        ),
        tls=tls is TlsMode.IMPLICIT,
    )
    reading = ask(service("SMTP", server, tls=tls, login=LOGIN))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [HELLO, *heard, QUIT]
    assert not server.link.pipelined


DOVECOTS_LIMIT = (
    "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)"
)


@pytest.mark.parametrize(
    ("offer", "answers", "fault"),
    [
        ("AUTH PLAIN", ["535 no"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["534 too weak"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["525 5.7.13 User account disabled"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["530 5.7.0 Must issue a STARTTLS command first"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["454 later"], Fault.PROTOCOL),
        ("AUTH PLAIN", ["450 4.7.1 Error: too many AUTH commands from x"], Fault.REJECTED),
        ("AUTH PLAIN", ["451 4.7.0 Limit reached"], Fault.REJECTED),
        ("AUTH PLAIN", ["451 4.3.0 Too many open files"], Fault.PROTOCOL),
        ("AUTH PLAIN", ["454 Temporary failure: too many open files"], Fault.PROTOCOL),
        ("AUTH PLAIN", ["550 too many"], Fault.REJECTED),
        ("AUTH PLAIN", ["250 ok"], Fault.PROTOCOL),
        ("AUTH PLAIN", ["334 5.7.8 One-time code, please", "501 ok"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["334 ", "334 more", "501 ok"], Fault.AUTHENTICATION),
        ("AUTH PLAIN", ["334", "535 no"], Fault.AUTHENTICATION),
        ("AUTH LOGIN", ["235 so soon"], Fault.PROTOCOL),
        ("AUTH LOGIN", ["538 5.7.11 Encryption required"], Fault.AUTHENTICATION),
        ("AUTH LOGIN", ["334 x", "535 no"], Fault.AUTHENTICATION),
        ("AUTH LOGIN", ["334 x", "334 x", "535 no"], Fault.AUTHENTICATION),
        ("AUTH LOGIN", ["334 x", "334 x", "334 x", "501 ok"], Fault.AUTHENTICATION),
        ("AUTH CRAM-MD5", [], Fault.AUTHENTICATION),
        ("SIZE", [], Fault.AUTHENTICATION),
    ],
)
def test_smtp_refusals(
    offer: str,
    answers: list[str],
    fault: Fault,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """Wrong credentials are told apart from a server in trouble, and QUIT is said."""
    server = peer(in_turn("220 hi", f"250-hi\n250 {offer}", *answers, "221 bye"))
    reading = ask(service("SMTP", server, login=LOGIN))
    assert reading.fault is fault
    assert server.link.heard[-1] == QUIT
    assert PASSWORD.decode() not in say(reading.detail)


@pytest.mark.parametrize(
    ("offers", "answers", "heard"),
    [
        ("AUTH=PLAIN", ["+ ", "a4 OK in"], [b"a4 AUTHENTICATE PLAIN", PLAIN]),
        ("AUTH=PLAIN", ["* OK x\n+", "a4 OK in"], [b"a4 AUTHENTICATE PLAIN", PLAIN]),
        ("AUTH=PLAIN", ["+ {3}", "a4 OK in"], [b"a4 AUTHENTICATE PLAIN", PLAIN]),
        ("AUTH=XOAUTH2", ["* 1 EXISTS\na4 OK in"], [rb'a4 LOGIN "watch" "s3\"c\\ret"']),
    ],
)
def test_imap(
    offers: str,
    answers: list[str],
    heard: list[bytes],
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """IMAP logs in by PLAIN where it is offered, else by LOGIN with its strings quoted."""
    server = peer(
        in_turn(
            "* OK hi",
            f"* CAPABILITY IMAP4rev1 {offers}\na1 OK",
            *answers,
            "a5 OK",
            "* BYE\na9 OK",
        )
    )
    reading = ask(service("IMAP", server, login=LOGIN))
    assert reading.verdict is Verdict.PASS, reading.detail
    assert server.link.heard == [ASK, *heard, USE, LEAVE]
    assert not server.link.pipelined


@pytest.mark.parametrize(
    ("after", "fault"),
    [
        ("* BYE Internal error occurred. Refer to server log.", Fault.PROTOCOL),
        ("* BYE", Fault.PROTOCOL),
        ("a5 NO [SERVERBUG] oops", Fault.PROTOCOL),
        ("* BYE Too many open sessions, connection limit reached", Fault.REJECTED),
    ],
)
def test_who_lets_in_and_then_throws_out_is_not_well(
    after: str, fault: Fault, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Dovecot says OK to the login, and only then opens the mailbox."""
    before = ("* OK hi", "* CAPABILITY IMAP4rev1\na1 OK", "a4 OK Logged in, but")
    server = peer(in_turn(*before, after, "a9 OK"))
    reading = ask(service("IMAP", server, login=LOGIN))
    assert reading.fault is fault
    assert after in say(reading.detail)


@pytest.mark.parametrize(
    ("offers", "answers", "fault"),
    [
        ("X", ["a4 NO [AUTHENTICATIONFAILED] no"], Fault.AUTHENTICATION),
        ("X", ["a4 NO"], Fault.AUTHENTICATION),
        ("X", ["a4 NO [UNAVAILABLE] later"], Fault.PROTOCOL),
        ("X", ["a4 NO [INUSE] by another"], None),
        ("X", ["a4 NO [LIMIT] too many sessions"], None),
        ("X", [f"a4 NO [UNAVAILABLE] {DOVECOTS_LIMIT}"], None),
        ("X", ["a4 NO [CONTACTADMIN] disabled"], Fault.AUTHENTICATION),
        ("X", ["a4 BAD what"], Fault.AUTHENTICATION),
        ("X", ["a4 BAD Internal error occurred"], Fault.PROTOCOL),
        ("AUTH=PLAIN", ["a4 NO not here"], Fault.AUTHENTICATION),
        ("AUTH=PLAIN", ["a4 NO [UNAVAILABLE] later"], Fault.PROTOCOL),
        ("AUTH=PLAIN", ["+", "a4 NO no"], Fault.AUTHENTICATION),
        ("LOGINDISABLED", [], Fault.AUTHENTICATION),
    ],
)
def test_imap_refusals(
    offers: str,
    answers: list[str],
    fault: Fault | None,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """Wrong credentials are told apart from a server in trouble, and from an account in use."""
    server = peer(
        in_turn("* OK hi", f"* CAPABILITY IMAP4rev1 {offers}\na1 OK", *answers, "* BYE\na9 OK")
    )
    reading = ask(service("IMAP", server, login=LOGIN))
    assert reading.fault is fault
    assert reading.verdict is (Verdict.FAIL if fault else Verdict.UNMEASURED)
    assert server.link.heard[-1] == LEAVE


def test_a_refused_login_is_not_tried_again_soon(peer: MakePeer, service: Settings) -> None:
    """Attempt after attempt would end in a ban: the service is asked, the login spared."""

    def script(link: Link) -> None:
        answers = {"EHLO": ["250-hi", "250 AUTH PLAIN"], "AUTH": ["535 no"], "QUIT": ["221 bye"]}
        link.say("220 hi")
        while line := link.hear():
            link.say(*answers[line.decode().split()[0]])

    server = peer(script)
    probe = build(service("SMTP", server, login=LOGIN))
    asked = []
    for later_s in (0, 5, LOGIN_AGAIN_S - 60, LOGIN_AGAIN_S + 1):
        reading = probe.check(Deadline.after(60, lambda: time.monotonic() + later_s))  # noqa: B023
        asked.append((reading.fault, say(reading.detail)))
    said = "the answer to the login was '535 no', not 235"
    assert asked == [(Fault.AUTHENTICATION, said)] * 4
    server.join()
    full, spared = [HELLO, b"AUTH PLAIN " + PLAIN, QUIT], [HELLO, QUIT]
    assert [link.heard for link in server.links] == [full, spared, spared, full]


def test_a_refused_login_is_tried_again_with_a_new_server(
    peer: MakePeer, service: Settings
) -> None:
    """After a restart, a refusal of before would make a cure look like a failure."""
    answers = {"EHLO": ["250-hi", "250 AUTH PLAIN"], "AUTH": ["535 no"], "QUIT": ["221 bye"]}

    def script(link: Link) -> None:
        link.say("220 hi")
        while line := link.hear():
            link.say(*answers[line.decode().split()[0]])

    probe = build(service("SMTP", peer(script), login=LOGIN))
    assert probe.check(Deadline.after(60, time.monotonic)).fault is Fault.AUTHENTICATION
    answers["AUTH"] = ["235 ok"]
    assert probe.check(Deadline.after(60, time.monotonic)).fault is Fault.AUTHENTICATION
    probe.forget()
    assert probe.check(Deadline.after(60, time.monotonic)).verdict is Verdict.PASS


def test_a_spared_login_hides_no_other_fault(peer: MakePeer, service: Settings) -> None:
    """A server that dies while its login is spared is known to be dead."""
    server = peer(in_turn("+OK hi", "+OK", "-ERR no", "+OK"))
    probe = build(service("POP3", server, login=LOGIN))
    assert probe.check(Deadline.after(60, time.monotonic)).fault is Fault.AUTHENTICATION
    server.close()
    assert probe.check(Deadline.after(60, time.monotonic)).fault is Fault.REFUSED


def test_imap_that_knows_us_already(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """After PREAUTH there is nobody to log in (RFC 9051 section 7.1.4)."""
    server = peer(in_turn("* PREAUTH hi", "* CAPABILITY IMAP4rev1\na1 OK", "* BYE\na9 OK"))
    assert ask(service("IMAP", server, login=LOGIN)).verdict is Verdict.PASS
    assert server.link.heard == [ASK, LEAVE]


CODE = """
import subprocess, sys, threading, time
from mailwatch.core.deadline import Deadline
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.probes.catalogue import build
from mailwatch.net.endpoint import Login
from mailwatch.probes.settings import ServiceSettings
import socket
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], check=True)
listener = socket.create_server(("192.0.2.1", 110))
heard = []
def serve():
    sock, _ = listener.accept()
    sock.sendall(b"+OK hi\\r\\n")
    while data := sock.recv(1000):
        heard.append(data)
        sock.sendall(b"+OK\\r\\n")
thread = threading.Thread(target=serve)
thread.start()
login = Login("watch", Secret("s3cret"))
settings = ServiceSettings("POP3", "192.0.2.1", 110, probe="pop3", login=login)
reading = build(settings).check(Deadline.after(20, time.monotonic))
thread.join(20)
print(reading.verdict, say(reading.detail), heard)
"""


def test_a_password_never_leaves_this_host_in_plain_text(namespace: list[str]) -> None:
    """To an address that is not loopback a login without TLS is not sent: we could not look."""
    done = subprocess.run(
        [*namespace, sys.executable, "-c", CODE], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "unmeasured the login was not sent, as the connection has no TLS and leaves this host: "
        r"set tls for this service [b'QUIT\r\n']" + "\n"
    )


def test_a_password_with_a_line_break_is_not_sent(
    peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A line break in a password would be a second command: nothing of it is sent or shown."""
    login = Login("watch", Secret("s3cret\r\nDELE 1"))
    server = peer(in_turn("+OK hi", "+OK", "+OK"))
    reading = ask(service("POP3", server, login=login))
    assert reading.verdict is Verdict.UNMEASURED
    assert "s3cret" not in say(reading.detail)
    assert server.link.heard == [b"USER watch"]


ECHO = "what is this: "


@pytest.mark.parametrize("password", ["s3cret", "s'3c\"r\\e t...", "longer " * 50, "пароль-1"])
@pytest.mark.parametrize(
    ("name", "answers", "no"),
    [
        ("SMTP", ["220 hi", "250-hi\n250 AUTH PLAIN"], "500 "),
        ("SMTP", ["220 hi", "250-hi\n250 AUTH LOGIN", "334 x", "334 x"], "535 "),
        ("IMAP", ["* OK hi", "* CAPABILITY IMAP4rev1\na1 OK"], "a4 BAD "),
        ("IMAP", ["* OK hi", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\na1 OK", "+"], "a4 NO "),
        ("POP3", ["+OK hi", "+OK"], "-ERR "),
        ("SIEVE", ['"IMPLEMENTATION"\n"SASL" "PLAIN"\nOK'], "NO "),
    ],
)
@pytest.mark.parametrize("ends", ["", " is wrong", None])
def test_a_password_that_the_server_repeats_is_not_told(
    name: str,
    answers: list[str],
    no: str,
    ends: str | None,
    password: str,
    peer: MakePeer,
    service: Settings,
    ask: Ask,
) -> None:
    """Some servers quote the command that they refuse, whole or in part: its secret is masked."""
    said: list[bytes] = []

    def script(link: Link) -> None:
        for answer in answers:
            link.say(*answer.split("\n"))
            said.append(link.hear())
        echo = no.encode() + ECHO.encode() + said[-1]
        # Where it ends in the middle, the line is not a whole one.
        link.send(echo[:-1] if ends is None else echo + ends.encode() + b"\r\n")
        if ends is not None:
            link.hear()  # the leave that it takes

    login = Login("watch", Secret(password))
    reading = ask(service(name, peer(script), login=login))
    assert reading.verdict is (Verdict.UNMEASURED if ends is None else Verdict.FAIL)
    assert ECHO in say(reading.detail)
    assert "***" in say(reading.detail)
    for form in (password, plain(login), wrapped(password), quoted(password)):
        assert form[:8] not in say(reading.detail)


def test_a_password_that_comes_back_in_capitals_is_not_told() -> None:
    """Some servers read a command in capitals before they refuse it."""
    login = Login("watch", Secret("correct horse"))
    said = "a4 BAD LOGIN WATCH CORRECT HORSE"
    detail = fact("imap-answer-refuses", awaited=fact("answer-to-login"), wanted="a4 OK", said=said)
    assert say(masked(detail, login)) == say(detail).replace("CORRECT HORSE", "***")


@pytest.mark.parametrize("password", ["answer", "CAPABILITY", "CAPABILITY-7"])
def test_a_password_that_is_a_word_of_ours_is_not_told_by_a_gap(password: str) -> None:
    """A mask in a sentence of our own would say what is missing there."""
    detail = fact("answer-of-many-lines", awaited=answer_to("CAPABILITY"), limit=100)
    told = fact("canary-put-off", answer=detail, enough_s=600)
    assert masked(told, Login("watch", Secret(password))) == told


def test_a_password_deep_in_a_fact_is_not_told() -> None:
    """A canary tells what was said within what it makes of it."""
    told = fact("canary-put-off", answer=fact("answer-before-tls", said="is s3cret?"), enough_s=600)
    assert "sent 'is ***?'" in say(masked(told, Login("watch", Secret("s3cret"))))


def test_a_login_over_ipv6_loopback(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """::1 is this host as well."""
    server = peer(in_turn("+OK hi", "+OK", "+OK", "+OK", "+OK"), family=socket.AF_INET6)
    assert ask(service("POP3", server, login=LOGIN)).verdict is Verdict.PASS
