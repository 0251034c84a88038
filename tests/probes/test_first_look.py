"""Ears first: what a front does that was not made to be kept waiting, and what listening shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Phase, Reading, Verdict
from mailwatch.core.offences import Manner
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import build
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
