"""A login is not the server: one that is slow, silent or cut off, by a server that lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.policy import Attempts
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.net.endpoint import Login
from mailwatch.probes.catalogue import build
from mailwatch.probes.login_record import SILENT_ROUNDS
from mailwatch.probes.probe import Check
from mailwatch.probes.round import RollCall
from mailwatch.probes.settings import ServiceSettings
from tests.probes.conftest import PATIENCE_S

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]
Upon = Callable[["Link"], None]

LOGIN = Login("watch", Secret("s3cret"))

PROTOCOLS = {
    "SMTP": ("220 hi", {"EHLO": "250-hi\n250 AUTH PLAIN", "QUIT": "221 bye"}, "AUTH", "235 in"),
    "IMAP": (
        "* OK hi",
        {"a1": "* CAPABILITY IMAP4rev1\na1 OK", "a5": "a5 OK", "a9": "* BYE\na9 OK"},
        "a4",
        "a4 OK in",
    ),
    "IMAP before +": (
        "* OK hi",
        {"a1": "* CAPABILITY IMAP4rev1 AUTH=PLAIN\na1 OK", "a9": "* BYE\na9 OK"},
        "a4",
        "a4 NO no",
    ),
    "POP3": ("+OK hi", {"USER": "+OK", "NOOP": "+OK", "QUIT": "+OK"}, "PASS", "+OK in"),
    "SIEVE": ('"IMPLEMENTATION" "x"\n"SASL" "PLAIN"\nOK', {"LOGOUT": "OK"}, "AUTHENTICATE", "OK"),
}


def _server(name: str, upon: Upon) -> Script:
    """Return a server that is well, and does `upon` where it should answer a login."""
    greeting, answers, login, _ = PROTOCOLS[name]

    def script(link: Link) -> None:
        link.say(*greeting.split("\n"))
        while line := link.hear():
            verb = line.decode().split(" ")[0]
            if verb == login:
                upon(link)
            else:
                link.say(*answers[verb].split("\n"))

    return script


def _hang(link: Link) -> None:
    link.hear_end()


def _service(name: str, there: Peer, service: Settings, **more: float) -> ServiceSettings:
    return service(name.removesuffix(" before +"), there, login=LOGIN, **more)


def _impatient(name: str, there: Peer, service: Settings) -> ServiceSettings:
    """Return one whose login has no more time than the rest."""
    return _service(name, there, service, login_timeout_s=0.0)


def _asked(probe: Check, proven: bool = False) -> Reading:
    """Return how a round of one attempt goes."""
    probe.begin_round(proven)
    return probe.check(Deadline.after(1, time.monotonic))


def _round(probe: Check, retries: int = 2) -> Reading:
    """Hold one round, with attempts that are far shorter than a slow login."""
    done: Queue[Reading] = Queue()
    roll = RollCall([probe], time.monotonic)
    attempts = Attempts(retries=retries, timeout_s=20, delay_s=0)
    roll.begin(attempts, lambda *_: None, lambda readings, _: done.put(readings[0]))
    return done.get(timeout=PATIENCE_S)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_login_has_a_time_of_its_own(
    name: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """An answer that comes long after the attempt would have ended is an answer all the same."""
    right = PROTOCOLS[name][3]
    late_s = 2.0

    def slow(link: Link) -> None:
        time.sleep(late_s)
        link.say(right)

    reading = ask(_service(name, peer(_server(name, slow)), service), within_s=late_s / 2)
    if right.endswith("no"):
        assert reading.fault is Fault.AUTHENTICATION
        assert "'a4 NO no'" in say(reading.detail)
    else:
        assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_closed_upon_a_login_is_a_refused_login(
    name: str, reset: bool, peer: MakePeer, service: Settings
) -> None:
    """Twice on end: once may be chance, and then it is spared as after any other refusal."""
    there = peer(_server(name, lambda link: link.reset() if reset else link.close()))
    probe = build(_service(name, there, service))
    first, second, third = _round(probe), _round(probe), _round(probe)
    assert first.verdict is Verdict.UNMEASURED
    assert second.fault is third.fault is Fault.AUTHENTICATION
    assert "though the server answers without a login" in say(first.detail)
    there.join()
    tried = [any(PROTOCOLS[name][2] in line.decode() for line in one.heard) for one in there.links]
    assert tried == [*[True, False, False] * 2, False, False]


@pytest.mark.parametrize(
    ("name", "answer"),
    [("SMTP", "421 closing"), ("IMAP", "* BYE closing"), ("SIEVE", 'BYE "closing"')],
)
def test_a_goodbye_upon_a_login_is_one_too(
    name: str, answer: str, peer: MakePeer, service: Settings
) -> None:
    """It blames nobody, and is told in the server's words."""

    def part(link: Link) -> None:
        link.say(answer)
        link.close()

    probe = build(_service(name, peer(_server(name, part)), service))
    assert _round(probe).verdict is Verdict.UNMEASURED
    reading = _round(probe)
    assert reading.fault is Fault.AUTHENTICATION
    assert answer in say(reading.detail)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_server_whose_login_is_silent_is_asked_without_one(
    name: str, peer: MakePeer, service: Settings
) -> None:
    """It answers then, so that nothing is its fault yet; a round tries the login but once."""
    there = peer(_server(name, _hang))
    probe = build(_impatient(name, there, service))
    reading = _asked(probe)
    assert (reading.verdict, reading.fault) == (Verdict.UNMEASURED, None), reading
    assert "though the server answers without a login" in say(reading.detail)


def test_a_server_that_is_silent_without_a_login_too_hangs(
    peer: MakePeer, service: Settings
) -> None:
    """The second conversation decides: this is no matter of logins."""
    there = peer(_server("POP3", _hang))

    def script(link: Link) -> None:
        if len(there.links) > 1:
            link.hear_end()
        else:
            _server("POP3", _hang)(link)

    there._script = script
    reading = _asked(build(_impatient("POP3", there, service)))
    assert reading.fault is Fault.SILENT


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("POP3", "never"),
        ("POP3", "in this process"),
        *((name, "in an earlier one") for name in PROTOCOLS),
    ],
)
def test_a_login_that_stays_silent_for_three_rounds(
    name: str, before: str, peer: MakePeer, service: Settings
) -> None:
    """It is the server's fault where it passed before, and for a person where it never did."""
    right = PROTOCOLS[name][3]
    upon: list[Upon] = [lambda link: link.say(right)] if before == "in this process" else []
    there = peer(_server(name, lambda link: upon.pop(0)(link) if upon else _hang(link)))
    probe = build(_impatient(name, there, service))
    if before == "in this process":
        assert probe.check(Deadline.after(60, time.monotonic)).verdict is Verdict.PASS
    proven, faults = before == "in an earlier one", []
    for _ in range(SILENT_ROUNDS + 1):
        faults.append(_asked(probe, proven).fault)
        probe.forget()  # a restart does not make it answer
    fault = Fault.AUTHENTICATION if before == "never" else Fault.TIMEOUT
    assert faults == [*[None] * (SILENT_ROUNDS - 1), fault, fault]


def test_a_round_tries_a_silent_login_once(peer: MakePeer, service: Settings) -> None:
    """Its other attempts spare the login; the next round tries it again."""
    there = peer(_server("POP3", _hang))
    probe = build(_impatient("POP3", there, service))
    done: Queue[Reading] = Queue()
    for _ in range(2):
        attempts = Attempts(retries=3, timeout_s=2, delay_s=0)
        RollCall([probe], time.monotonic).begin(
            attempts, lambda *_: None, lambda readings, _: done.put(readings[0])
        )
        assert done.get(timeout=PATIENCE_S).verdict is Verdict.UNMEASURED
    there.join()
    tried = [any(line.startswith(b"PASS") for line in link.heard) for link in there.links]
    assert tried == [True, False, False, False] * 2


def test_an_answer_ends_the_silence(peer: MakePeer, service: Settings) -> None:
    """Rounds count only on end: one slow evening here and there makes no fault."""
    in_turn: list[Upon] = [
        _hang, _hang, lambda link: link.say("+OK in"), _hang, _hang, lambda link: link.say("+OK in")
    ]  # fmt: skip
    answers = iter(in_turn)

    def upon(link: Link) -> None:
        next(answers)(link)

    there = peer(_server("POP3", upon))
    probe = build(_impatient("POP3", there, service))
    verdicts = [_asked(probe).verdict for _ in range(6)]
    unmeasured = Verdict.UNMEASURED
    assert verdicts == [unmeasured, unmeasured, Verdict.PASS] * 2
