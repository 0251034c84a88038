from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Fault, Phase, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import TlsMode, TlsVersion
from mailwatch.net.engine import Steps
from mailwatch.net.errors import fault_of, reason_of
from mailwatch.probes.catalogue import defaults_for
from mailwatch.probes.settings import ServiceSettings
from mailwatch.probes.smtp import SmtpProbe
from tests.probes.conftest import attempt

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]
Briefly = Callable[[ServiceSettings, Fault], Reading]

MAIL = ["SMTP", "SMTPS", "IMAP", "IMAPS"]
ALL = [*MAIL, "HTTP", "HTTPS"]
INSIDE_TLS = ["SMTPS", "IMAPS", "HTTPS"]


@pytest.mark.parametrize("name", ALL)
def test_refused(name: str, closed_port: int, ask: Ask) -> None:
    """Nothing listens: refused, seen while connecting."""
    known = defaults_for(name)
    reading = ask(ServiceSettings(name, "127.0.0.1", closed_port, probe=known.probe, tls=known.tls))
    assert reading.fault is Fault.REFUSED
    assert list(reading.phases)[-1] == Phase.CONNECT


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """Yield a port whose listener never accepts and has no room for one more connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket()
                fillers.append(filler)
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            yield port
        finally:
            for filler in fillers:
                filler.close()


def test_a_connection_that_is_never_accepted_times_out(
    full_backlog: int, ask_briefly: Briefly
) -> None:
    """A listener whose queue is full drops our SYN: a timeout, seen while connecting."""
    reading = ask_briefly(
        ServiceSettings("SMTP", "127.0.0.1", full_backlog, probe="smtp"), Fault.TIMEOUT
    )
    assert reading.fault is Fault.TIMEOUT
    assert (
        say(reading.detail)
        == f"127.0.0.1 port {full_backlog} did not accept the connection in time"
    )
    assert list(reading.phases)[-1] == Phase.CONNECT


@pytest.mark.parametrize("name", ALL)
def test_silent(name: str, peer: MakePeer, service: Settings, ask_briefly: Briefly) -> None:
    """Accepts, then silence for ever: the sign of a hang, with TLS or without."""
    reading = ask_briefly(service(name, peer(lambda link: link.hear_end())), Fault.SILENT)
    assert reading.fault is Fault.SILENT
    assert "said nothing" in say(reading.detail)


@pytest.mark.parametrize("name", INSIDE_TLS)
def test_silent_behind_tls(
    name: str, peer: MakePeer, service: Settings, ask_briefly: Briefly
) -> None:
    """A handshake is not a greeting: silence after it is the sign of a hang as well."""
    reading = ask_briefly(service(name, peer(lambda link: link.hear_end(), tls=True)), Fault.SILENT)
    assert reading.fault is Fault.SILENT
    assert list(reading.phases)[-1] == Phase.GREETING


@pytest.mark.parametrize("name", ALL)
def test_dropped(name: str, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """Connected, then closed before a byte: the sign of a ban or a limit, TLS or not."""
    reading = ask(service(name, peer(lambda link: link.close())))
    assert reading.fault is Fault.DROPPED
    assert "a ban or a connection limit" in say(reading.detail)


@pytest.mark.parametrize("name", INSIDE_TLS)
def test_dropped_behind_tls(name: str, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A handshake, then the end, without a greeting: dropped as well."""
    reading = ask(service(name, peer(lambda link: link.close(), tls=True)))
    assert reading.fault is Fault.DROPPED


@pytest.mark.parametrize("name", ["SMTPS", "HTTP", "HTTPS"])
def test_dropped_with_our_first_words_unread(
    name: str, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A close with our bytes unread arrives as a reset, and is a drop all the same."""

    def script(link: Link) -> None:
        # Wait until our words have arrived, but leave them in the socket.
        link.sock.recv(1, socket.MSG_PEEK)
        link.close()

    reading = ask(service(name, peer(script)))
    assert reading.fault is Fault.DROPPED


@pytest.mark.parametrize("name", ALL)
def test_dropped_by_a_reset(name: str, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A reset before a byte, HAProxy's way to reject, is a drop whether we have spoken or not."""
    reading = ask(service(name, peer(lambda link: link.reset())))
    assert reading.fault is Fault.DROPPED
    assert "a ban or a connection limit" in say(reading.detail)


def _until_then_reset(*before: str) -> Script:
    def script(link: Link) -> None:
        for line in before:
            link.say(line)
            link.hear()
        link.reset()

    return script


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
def test_reset_in_the_dialogue(tls: TlsMode, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A reset after the greeting is a reset, and names the answer that is missing."""
    server = peer(_until_then_reset("220 hi"), tls=tls is TlsMode.IMPLICIT)
    reading = ask(service("SMTP", server, tls=tls))
    assert reading.fault is Fault.RESET
    assert say(reading.detail) == "reset the connection while we waited for the answer to EHLO"
    assert list(reading.phases)[-1] == Phase.DIALOGUE


def test_reset_in_the_handshake(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A reset after the first bytes of a handshake is a reset."""

    def script(link: Link) -> None:
        link.sock.recv(4096)
        link.send(b"\x16\x03\x03")
        link.reset()

    reading = ask(service("SMTPS", peer(script)))
    assert reading.fault is Fault.RESET


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
def test_an_end_in_the_dialogue_is_a_reset_too(
    tls: TlsMode, peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """A close in the middle breaks the conversation off, however politely TCP puts it."""

    def script(link: Link) -> None:
        link.say("220 hi")
        link.hear()
        link.send(b"250-one\r\n250 tw")
        link.close()

    reading = ask(service("SMTP", peer(script, tls=tls is TlsMode.IMPLICIT), tls=tls))
    assert reading.fault is Fault.RESET
    assert say(reading.detail) == (
        "closed the connection in the middle of the rest of the answer to EHLO: '250 tw'"
    )


def test_a_half_close_still_answers_nobody(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A peer that shuts only its sending side down has ended the conversation."""

    def script(link: Link) -> None:
        link.say("220 hi")
        link.sock.shutdown(socket.SHUT_WR)
        link.hear_end()

    reading = ask(service("SMTP", peer(script)))
    assert reading.fault is Fault.RESET


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
@pytest.mark.parametrize("before", [["220 hi"], ["220 hi", "250 hi"]])
def test_a_hang_in_the_dialogue_is_a_timeout(
    tls: TlsMode, before: list[str], peer: MakePeer, service: Settings, ask: Ask
) -> None:
    """Silence after the greeting is a timeout, and names the answer that is missing."""

    def script(link: Link) -> None:
        for line in before:
            link.say(line)
            link.hear()
        link.hear_end()

    reading = ask(service("SMTP", peer(script, tls=tls is TlsMode.IMPLICIT), tls=tls), 1.5)
    assert reading.fault is Fault.TIMEOUT
    assert (
        say(reading.detail)
        == f"the answer to {['EHLO', 'QUIT'][len(before) - 1]} did not come in time"
    )


def test_a_slow_handshake_is_a_timeout(
    peer: MakePeer, service: Settings, ask_briefly: Briefly
) -> None:
    """A handshake that begins and stalls is a timeout, seen in its own phase."""

    def script(link: Link) -> None:
        link.send(b"\x16\x03\x03\x00\x7a\x02")
        link.hear_end()

    reading = ask_briefly(service("IMAPS", peer(script)), Fault.TIMEOUT)
    assert reading.fault is Fault.TIMEOUT
    assert say(reading.detail) == "the TLS handshake did not come in time"
    assert list(reading.phases)[-1] == Phase.TLS


def test_plain_text_on_a_tls_port(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A service that greets in plain text where TLS is due is told with the line to write."""

    def script(link: Link) -> None:
        link.say("220 mail.example.org ESMTP")
        link.hear_end()

    reading = ask(service("SMTPS", peer(script)))
    assert reading.fault is Fault.RULE
    assert say(reading.detail) == (
        'this port speaks SMTP without TLS: write tls = "none" for this service, or correct its '
        "port"
    )


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x03\x00\x05hello",
        b"\x16\x03\x03\xff\xff" + b"x" * 20_000,
        b"\x17\x03\x03\x00\x01x",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x14\x03\x03\x00\x01\x01" * 100,
        b"\x80\x2e\x01\x00\x02",
        b"\x00" * 1000,
    ],
)
def test_tls_garbage(garbage: bytes, peer: MakePeer, service: Settings, ask: Ask) -> None:
    """What only looks like TLS, alerts and records out of place are TLS faults."""

    def script(link: Link) -> None:
        link.send(garbage)
        link.hear_end()

    reading = ask(service("HTTPS", peer(script)))
    assert reading.fault is Fault.TLS
    assert reading.detail


def test_garbage_in_the_middle_of_tls(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A record that was tampered with is a TLS fault, not an answer."""

    def script(link: Link) -> None:
        link.say("220 hi")
        link.hear()
        raw = socket.socket(fileno=os.dup(link.sock.fileno()))
        with raw:
            raw.sendall(b"\x17\x03\x03\x00\x40" + b"x" * 64)
            link.hear_end()

    reading = ask(service("SMTPS", peer(script, tls=True)))
    assert reading.fault is Fault.TLS
    assert "while we waited for the answer to EHLO" in say(reading.detail)


def test_a_version_of_tls_that_is_too_old(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A server below the minimum version is a TLS fault that says so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server = peer(lambda link: link.hear_end(), tls=True, context=context)
    reading = ask(service("IMAPS", server, minimum_tls=TlsVersion.TLS_1_3))
    assert reading.fault is Fault.TLS
    assert "protocol version" in say(reading.detail)


def test_a_bug_of_ours_is_unmeasured_and_keeps_its_text_to_itself(
    peer: MakePeer, service: Settings, smtp_server: Script
) -> None:
    """An exception that nobody foresaw says nothing about the service, and quotes nothing."""

    class Broken(SmtpProbe):
        def converse(self, _talk: Conversation) -> Steps[None]:
            yield from ()
            raise ZeroDivisionError("a secret")

    settings = service("SMTP", peer(smtp_server))
    reading = attempt(Broken(settings), 60)
    assert reading.verdict is Verdict.UNMEASURED
    assert say(reading.detail) == "a fault of mailwatch: ZeroDivisionError"


def test_a_deadline_in_the_past_says_nothing(peer: MakePeer, service: Settings, ask: Ask) -> None:
    """A check without any time ends at once, like one whose time ran out."""
    settings = service("SMTP", peer(lambda link: link.hear_end()))
    reading = attempt(SmtpProbe(settings), 0)
    assert reading.fault in (Fault.TIMEOUT, Fault.SILENT)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ECONNREFUSED, Fault.REFUSED),
        (errno.ETIMEDOUT, Fault.TIMEOUT),
        (errno.ECONNRESET, Fault.RESET),
        (errno.ECONNABORTED, Fault.RESET),
        (errno.EPIPE, Fault.RESET),
        (errno.EMFILE, None),
        (errno.ENFILE, None),
        (errno.ENOBUFS, None),
        (errno.ENOMEM, None),
        (errno.EADDRNOTAVAIL, None),
        (errno.ENETUNREACH, None),
        (errno.EHOSTUNREACH, None),
        (errno.EACCES, None),
        (errno.EPERM, None),
        (errno.EIO, None),
    ],
)
def test_whose_fault_an_error_of_the_system_is(number: int, fault: Fault | None) -> None:
    """What the peer did is its fault; all that this host lacks is ours, and says what to do."""
    error = OSError(number, os.strerror(number))
    assert fault_of(error) is fault
    assert say(reason_of(error)).startswith(os.strerror(number).lower())


def _elsewhere(code: str, *wrapper: str) -> str:
    """Run `code` in a Python of its own, whose limits and network may be spoiled."""
    prelude = """
        import resource, socket, subprocess, time
        from mailwatch.core.deadline import Deadline
        from mailwatch.core.say import say
        from mailwatch.probes.catalogue import build
        from mailwatch.probes.settings import ServiceSettings
        # The service has loaded its probes before anything can go wrong.
        build(ServiceSettings("SMTP", "", 1, probe="smtp"))
        def ask(host, port):
            settings = ServiceSettings("SMTP", host, port, probe="smtp")
            reading = build(settings).check(Deadline.after(60, time.monotonic))
            print(reading.verdict, say(reading.detail))
    """
    whole = textwrap.dedent(prelude) + textwrap.dedent(code)
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", whole], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_free_descriptor_we_could_not_look(peer: MakePeer) -> None:
    """EMFILE is unmeasured, and says which limit to raise."""
    server = peer(lambda link: link.hear_end())
    said = _elsewhere(
        f"""
        sockets = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        while True:
            try:
                sockets.append(socket.socket())
            except OSError:
                break
        ask("127.0.0.1", {server.port})
        """
    )
    assert said == (
        "unmeasured no socket could be made (too many open files: raise LimitNOFILE of the "
        "mailwatch unit)\n"
    )


def test_without_a_route_we_could_not_look(namespace: list[str]) -> None:
    """ENETUNREACH is unmeasured."""
    assert _elsewhere('ask("192.0.2.1", 25)', *namespace) == (
        "unmeasured no connection to 192.0.2.1 port 25 (network is unreachable: this host has no "
        "route there)\n"
    )


def test_without_ipv6_we_could_not_look(namespace: list[str]) -> None:
    """A host without IPv6 cannot judge a service that has nothing else."""
    said = _elsewhere('ask("2001:db8::1", 25)', *namespace)
    assert said.startswith("unmeasured no connection to 2001:db8::1 port 25 (")


def test_without_a_free_port_we_could_not_look(namespace: list[str]) -> None:
    """EADDRNOTAVAIL, with every port of this host in use, is unmeasured."""
    said = _elsewhere(
        """
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:
            file.write("50000 50003")
        listener = socket.create_server(("127.0.0.1", 25))
        taken = []
        while True:
            try:
                taken.append(socket.create_connection(("127.0.0.1", 25)))
            except OSError:
                break
        ask("127.0.0.1", 25)
        """,
        *namespace,
    )
    assert said.startswith("unmeasured no connection to 127.0.0.1 port 25 (cannot assign")
    assert "no free port" in said


def test_without_a_resolver_we_could_not_look(namespace: list[str]) -> None:
    """A name server that cannot be reached is unmeasured, whatever the C library calls it."""
    said = _elsewhere('ask("mail.example.org", 25)', *namespace)
    assert said.startswith("unmeasured the name mail.example.org was not resolved")
