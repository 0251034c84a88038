"""Ears first: what a front does that was not made to be kept waiting, and what listening shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Now, Offence, Phase, Reading, Verdict
from mailwatch.core.offences import AGAIN_S, Manner
from mailwatch.core.policy import Policy
from mailwatch.core.say import say
from mailwatch.net.endpoint import ProxyHeader, TlsMode
from mailwatch.probes import first_look
from mailwatch.probes.catalogue import build
from mailwatch.probes.guest import Guest
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]

WAIT_S = 0.3


def _asked(probe: Check, manner: Manner, within_s: float = 60) -> Reading:
    probe.manner = manner
    return probe.check(Deadline.after(within_s, time.monotonic))


@pytest.mark.parametrize("end", ["408", "close", "reset"])
@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
def test_a_front_that_tires_of_our_silence_is_asked_anew(
    end: str, tls: TlsMode, peer: MakePeer, service: Settings
) -> None:
    """It did not greet, which is all we listened for; a later attempt speaks at once."""

    def script(link: Link) -> None:
        if len(there.links) == 1:
            time.sleep(WAIT_S)
            if end == "408":
                link.send(b"HTTP/1.0 408 Request Time-out\r\n\r\n")
            elif end == "reset":
                link.reset()
            return
        if tls is TlsMode.IMPLICIT:
            link.secure()
        link.hear_request()
        link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    there = peer(script)
    probe = build(service("HTTP", there, tls=tls, verify=False))
    for connections in (2, 3):
        reading = _asked(probe, Manner.CAREFUL)
        assert reading.verdict is Verdict.PASS, reading.detail
        assert len(there.links) == connections


def test_what_we_listened_for_is_not_the_servers_time(peer: MakePeer, service: Settings) -> None:
    """The seconds of a service at an unusual port are those in which it was asked."""

    def script(link: Link) -> None:
        link.hear_request()
        link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    probe = build(service("HTTP", peer(script), tls=TlsMode.NONE))
    began = time.monotonic()
    reading = _asked(probe, Manner.CAREFUL, within_s=2.0)  # it listens for 2.8 s
    assert reading.verdict is Verdict.PASS, reading.detail
    assert time.monotonic() - began - sum(reading.phases.values()) > 2.0
    assert Phase.DIALOGUE in reading.phases


@pytest.mark.parametrize(
    ("does", "fault"),
    [
        ("is silent", None),
        ("says 408", None),
        ("tires", None),
        ("drops", Fault.DROPPED),
        ("greets", Fault.RULE),
    ],
)
def test_what_mere_listening_shows(
    does: str,
    fault: Fault | None,
    peer: MakePeer,
    service: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A port that keeps silent, as it should, is neither well nor ill; nothing is sent to any."""
    monkeypatch.setattr(first_look, "LISTEN_S", 1.0)
    monkeypatch.setattr(first_look, "AT_ONCE_S", 0.0 if does == "tires" else 30.0)
    words = {"says 408": b"HTTP/1.0 408 Late\r\n\r\n", "greets": b"220 hi ESMTP\r\n"}

    def script(link: Link) -> None:
        if does in words:
            link.send(words[does])
        if does not in ("drops", "tires"):
            link.hear_end()

    there = peer(script)
    reading = _asked(build(service("SMTP", there, tls=TlsMode.IMPLICIT)), Manner.LISTENING)
    verdict = Verdict.FAIL if fault else Verdict.UNMEASURED
    assert (reading.verdict, reading.fault) == (verdict, fault), reading.detail
    assert reading.offence is None
    there.join()
    assert not there.link.heard


def test_who_is_only_listened_to_is_told_of_by_its_last_answer(
    peer: MakePeer, service: Settings
) -> None:
    """The offence no longer counts as a failure, and still says what there is to correct."""

    def script(link: Link) -> None:
        link.hear_request()
        link.say("500 what")

    probe = build(service("HTTP", peer(script), tls=TlsMode.NONE))
    first = _asked(probe, Manner.CAREFUL, within_s=1.0)
    assert first.offence is Offence.COMMAND, first
    later = _asked(probe, Manner.LISTENING, within_s=1.0)
    assert later.verdict is Verdict.UNMEASURED
    assert say(first.detail) in say(later.detail)


def test_a_port_that_refuses_is_seen_by_listening(closed_port: int) -> None:
    """What needs no word of ours stays a failure."""
    settings = ServiceSettings("S", "127.0.0.1", closed_port, tls=TlsMode.IMPLICIT, probe="smtp")
    assert _asked(build(settings), Manner.LISTENING).fault is Fault.REFUSED


def test_a_proven_header_is_not_charged_for_a_servers_limit(
    peer: MakePeer, service: Settings
) -> None:
    """It is listened for once whether the port still wants it, and then asked as ever."""

    def script(link: Link) -> None:
        if link.hear():  # the header
            link.say("421 4.7.0 too many connections")

    there = peer(script)
    probe = build(service("SMTP", there, proxy=ProxyHeader.V1))
    readings = [_asked(probe, Manner.FREE, within_s=1.0) for _ in range(3)]
    assert {(one.fault, one.offence) for one in readings} == {(Fault.REJECTED, None)}


def test_a_proven_header_that_is_no_longer_wanted_is_found_by_listening(
    peer: MakePeer, service: Settings
) -> None:
    """It is sent once more at most."""

    def script(link: Link) -> None:
        link.say("220 hi ESMTP")
        while link.hear():
            link.say("500 what")

    there = peer(script)
    probe = build(service("SMTP", there, proxy=ProxyHeader.V1))
    codes = [_asked(probe, Manner.FREE).detail.code for _ in range(3)]
    assert codes[1:] == ["port-wants-no-proxy"] * 2
    there.join()
    assert not any(link.heard for link in there.links[1:])


def test_what_was_too_much_is_tried_once_an_hour_and_with_a_new_server() -> None:
    """So that what was mended is found well before the day is over."""
    moment = [0.0]
    guest = Guest(Policy(), lambda: Now(moment[0], moment[0]))
    wrong = ServiceSettings("SMTP", "mail.example.org", 25, probe="smtp")
    refused = Reading(wrong.key, Verdict.FAIL, Fault.AUTHENTICATION, offence=Offence.LOGIN)
    for _ in range(guest.policy.offences_per_day):
        assert guest.manner(wrong) is Manner.FREE
        guest.settle(wrong, refused)
    for restarted in (False, True):
        assert guest.manner(wrong) is Manner.WITHOUT_LOGIN
        if restarted:
            guest.forget()
        else:
            moment[0] += AGAIN_S
        assert guest.manner(wrong) is Manner.FREE
        guest.settle(wrong, refused)
    guest.forget()
    guest.settle(wrong, Reading(wrong.key, Verdict.PASS))
    assert guest.manner(wrong) is Manner.FREE
