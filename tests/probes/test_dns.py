"""The MX of a domain, asked of a real name server on loopback that has the records of a test."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.net.engine import ENGINE
from mailwatch.probes import dns as probe
from mailwatch.probes.catalogue import build
from mailwatch.probes.dns import Settings as Rules
from mailwatch.probes.settings import ServiceSettings
from tests.probes.conftest import attempt

Zone = dict[tuple[str, str], list[str]]
DOMAIN = "example.org"


def _one_port_of_both_kinds() -> tuple[socket.socket, socket.socket]:
    """Return sockets of TCP and UDP that have the same port; whoever has one may lack the other."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind(listener.getsockname())
        except OSError:
            listener.close()
            sock.close()
        else:
            return listener, sock


class NameServer:
    """Answers from `zone`, by UDP and TCP: `rcode` for all, or nothing at all, or what `spoil`
    makes of an answer of UDP (False) or TCP (True), where a test says so."""

    def __init__(self) -> None:
        self.zone: Zone = {}
        self.rcode = dns.rcode.NOERROR
        self.silent = False
        self.spoil: Callable[[bytes, bool], bytes] = lambda answer, tcp: answer
        self.asked_by_tcp = 0
        self._listener, self._sock = _one_port_of_both_kinds()
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=work) for work in (self._serve, self._accept)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads and give the ports back."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._sock.close()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            data, peer = self._sock.recvfrom(4096)
            if not data:
                return
            if not self.silent:
                with suppress(OSError):
                    self._sock.sendto(self.spoil(self._answer(data), False), peer)

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            self.asked_by_tcp += 1
            with link, suppress(OSError):
                link.settimeout(120)
                length = int.from_bytes(link.recv(2))
                answer = self.spoil(self._answer(link.recv(length)), True)
                link.sendall(len(answer).to_bytes(2) + answer)

    def _answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name = question.name.to_text().rstrip(".")
        kind = dns.rdatatype.to_text(question.rdtype)
        owner = name
        for _ in range(50):  # as a resolver does, until it gives up
            aliases = self.zone.get((owner, "CNAME"))
            if not aliases:
                break
            target = dns.rrset.from_text(f"{owner}.", 60, "IN", "CNAME", *aliases)
            answer.answer.append(target)
            owner = aliases[0].rstrip(".")
        records = self.zone.get((owner, kind), [])
        if records:
            answer.answer.append(dns.rrset.from_text(f"{owner}.", 60, "IN", kind, *records))
        known = any(owner == name for owner, _ in self.zone)
        answer.set_rcode(self.rcode if known or self.rcode else dns.rcode.NXDOMAIN)
        return answer.to_wire()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server, which the probe asks in place of this host's."""
    one = NameServer()

    def new_resolver() -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = one.port
        return resolver

    monkeypatch.setattr(probe, "new_resolver", new_resolver)
    yield one
    one.close()


def _ask(within_s: float = 60, implicit_mx: bool = False) -> Reading:
    settings = ServiceSettings("Domain", "", probe="dns", options=Rules(DOMAIN, implicit_mx))
    began = time.monotonic()
    reading = attempt(build(settings), within_s)
    assert time.monotonic() - began < within_s + 20
    assert (reading.service, reading.portless) == ("Domain", True)
    return reading


MX = {(DOMAIN, "MX"): ["10 mx1.example.org.", "20 mx2.example.net."]}
ADDRESSES = {
    ("mx1.example.org", "A"): ["192.0.2.1"],
    ("mx2.example.net", "AAAA"): ["2001:db8::2"],
}


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({**MX, **ADDRESSES}, ""),
        ({}, "example.org has no MX record"),
        ({(DOMAIN, "A"): ["192.0.2.1"]}, "example.org has no MX record"),
        ({(DOMAIN, "MX"): ["0 ."]}, "takes no mail at all"),
        (MX, "names mx1.example.org. and mx2.example.net., which has no address"),
        (
            {**MX, ("mx1.example.org", "A"): ["192.0.2.1"], ("mx2.example.net", "TXT"): ['"x"']},
            "names mx2.example.net., which has no address",
        ),
    ],
    ids=["well", "no domain", "no MX", "null MX", "no address", "one without"],
)
def test_every_mx_must_have_an_address(zone: Zone, words: str, server: NameServer) -> None:
    """A or AAAA, either will do; a clear no is a failure, told with the name."""
    server.zone = zone
    reading = _ask()
    assert words in say(reading.detail)
    if words:
        assert reading.fault is Fault.DNS
    else:
        assert reading.verdict is Verdict.PASS, reading.detail


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({(DOMAIN, "A"): ["192.0.2.1"]}, ""),
        ({(DOMAIN, "AAAA"): ["2001:db8::1"]}, ""),
        ({(DOMAIN, "TXT"): ['"x"']}, "example.org has neither an MX nor an address"),
        ({}, "example.org has neither an MX nor an address"),
        ({(DOMAIN, "MX"): ["0 ."], (DOMAIN, "A"): ["192.0.2.1"]}, "takes no mail at all"),
        ({**MX, (DOMAIN, "A"): ["192.0.2.1"]}, "which has no address"),
    ],
    ids=["A", "AAAA", "TXT", "no domain", "null MX", "MX without address"],
)
def test_without_an_mx_an_address_will_do_where_that_is_meant(
    zone: Zone, words: str, server: NameServer
) -> None:
    """RFC 5321 section 5.1: but an MX that is there is the one that counts."""
    server.zone = zone
    reading = _ask(implicit_mx=True)
    assert words in say(reading.detail)
    assert reading.fault is (Fault.DNS if words else None)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_fails_says_nothing_about_the_domain(
    rcode: dns.rcode.Rcode, server: NameServer
) -> None:
    """SERVFAIL and REFUSED are trouble on the way, and unmeasured."""
    server.zone, server.rcode = {**MX, **ADDRESSES}, rcode
    reading = _ask()
    assert reading.verdict is Verdict.UNMEASURED
    assert "check this host's resolver" in say(reading.detail)


def test_a_resolver_that_keeps_silent_ends_on_time(server: NameServer) -> None:
    """The whole inquiry has one deadline, however many names there are."""
    server.silent = True
    reading = _ask(within_s=0.5)
    assert reading.verdict is Verdict.UNMEASURED
    assert "no name server answered in time" in say(reading.detail)


def _truncated(answer: bytes, tcp: bool) -> bytes:
    if tcp:
        return answer
    short = dns.message.from_wire(answer)
    short.answer.clear()
    short.flags |= dns.flags.TC
    return short.to_wire()


def test_a_truncated_answer_is_asked_for_by_tcp(server: NameServer) -> None:
    """As any resolver's client does (RFC 7766)."""
    server.zone = {**MX, **ADDRESSES}
    server.spoil = _truncated
    assert _ask().verdict is Verdict.PASS
    assert server.asked_by_tcp


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ({("mx1.example.org", "CNAME"): ["host.example.org."]}, ""),
        ({("mx1.example.org", "CNAME"): ["nowhere.example.org."]}, "names mx1.example.org., "),
        (
            {
                ("mx1.example.org", "CNAME"): ["again.example.org."],
                ("again.example.org", "CNAME"): ["mx1.example.org."],
            },
            "mx1.example.org",
        ),
    ],
    ids=["alias", "to nowhere", "loop"],
)
def test_an_mx_may_be_an_alias_that_leads_somewhere(
    aliases: Zone, words: str, server: NameServer
) -> None:
    """RFC 5321 frowns on one, and mail arrives; one that leads nowhere is no address."""
    server.zone = {(DOMAIN, "MX"): ["10 mx1.example.org."], **aliases}
    server.zone[("host.example.org", "A")] = ["192.0.2.1"]
    reading = _ask()
    assert words in say(reading.detail)
    assert (reading.verdict is Verdict.PASS) == (not words), reading.detail


def test_targets_of_ipv6_alone_are_addresses(server: NameServer) -> None:
    """Whether this host could reach them is another question."""
    server.zone = {(DOMAIN, "MX"): ["10 mx2.example.net."], **ADDRESSES}
    assert _ask().verdict is Verdict.PASS


def _noise(answer: bytes, tcp: bool) -> bytes:
    return b"\xff" * 300


def _foreign(answer: bytes, tcp: bool) -> bytes:
    return bytes([answer[0] ^ 1]) + answer[1:]


def _half(answer: bytes, tcp: bool) -> bytes:
    return answer[: len(answer) // 2]


@pytest.mark.parametrize("spoil", [_noise, _foreign, _half], ids=["noise", "foreign", "half"])
def test_what_is_no_answer_says_nothing_about_the_domain(
    spoil: Callable[[bytes, bool], bytes], server: NameServer
) -> None:
    """Noise, another's answer, half of one: unmeasured, within the deadline."""
    server.zone = {**MX, **ADDRESSES}
    server.spoil = spoil
    reading = _ask(within_s=1)
    assert reading.verdict is Verdict.UNMEASURED
    assert "check this host's resolver" in say(reading.detail)


def _laborious(answer: bytes, tcp: bool) -> bytes:
    """Return 600 MX whose names of 127 labels take dnspython seconds to read."""
    if not tcp:
        return _truncated(answer, tcp)
    name = b"\x01a" * 126 + b"\0"
    question = answer[12 : answer.index(b"\0", 12) + 5]
    first = b"\xc0\x0c\x00\x0f\x00\x01" + bytes(4) + (2 + len(name)).to_bytes(2)
    pointer = (0xC000 | 12 + len(question) + len(first) + 2).to_bytes(2)
    records = first + b"\0\0" + name
    fixed = b"\xc0\x0c\x00\x0f\x00\x01" + bytes(4) + b"\x00\x04"
    records += b"".join(fixed + number.to_bytes(2) + pointer for number in range(1, 600))
    return answer[:6] + (600).to_bytes(2) + bytes(4) + question + records


def test_an_answer_that_is_laborious_ends_on_time(server: NameServer) -> None:
    """What dnspython is busy with holds up neither this look nor, with threads, the next."""
    server.zone = {**MX, **ADDRESSES}
    server.spoil = _laborious
    settings = ServiceSettings("Domain", "", probe="dns", options=Rules(DOMAIN))
    one = probe.DnsProbe(settings)
    before = threading.active_count()
    within_s = 0.1
    while True:
        within_s *= 2  # on a slow machine the answer may come too late to be read
        assert attempt(one, within_s).verdict is Verdict.UNMEASURED
        assert one._job is not None
        one._job.join(0.2)
        if not one._job.is_over:
            break
    asked = server.asked_by_tcp
    assert asked
    for _ in range(3):
        began = time.monotonic()
        reading = attempt(one, 0.05)
        assert time.monotonic() - began < 20
        assert reading.verdict is Verdict.UNMEASURED
    assert threading.active_count() <= before + 1
    assert server.asked_by_tcp == asked
    one._job.join(600)
    assert one._job.is_over


def test_a_look_without_a_thread_or_with_a_bug_does_not_keep_the_next_from_looking(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are unmeasured; the words of an exception are nobody's, and no traceback has them."""
    ENGINE.begin([])
    server.zone = {**MX, **ADDRESSES}
    one = probe.DnsProbe(ServiceSettings("Domain", "", probe="dns", options=Rules(DOMAIN)))

    def fail(*_: object) -> None:
        raise RuntimeError("<0>secret")

    for where, name, words in (
        (threading.Thread, "start", "raise TasksMax"),
        (probe, "new_resolver", "a fault of mailwatch: RuntimeError"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, fail)
            reading = attempt(one, 60)
        assert reading.verdict is Verdict.UNMEASURED
        assert words in say(reading.detail)
        assert "secret" not in say(reading.detail)
        assert attempt(one, 60).verdict is Verdict.PASS


def test_a_domain_with_many_mx_is_asked_for_a_few(server: NameServer) -> None:
    """A hundred MX, of which only the first ten are looked at."""
    names = [f"mx{number:03}.example.org" for number in range(100)]
    server.zone = {(DOMAIN, "MX"): [f"{number} {name}." for number, name in enumerate(names)]}
    server.zone |= {(name, "A"): ["192.0.2.1"] for name in names[:10]}
    assert _ask().verdict is Verdict.PASS


def test_without_the_library_it_is_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is only suggested: the reading says what to install."""
    real: Callable[..., object] = __import__

    def without_dns(name: str, *rest: object) -> object:
        if name == "dns":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr("builtins.__import__", without_dns)
    reading = _ask()
    assert reading.verdict is Verdict.UNMEASURED
    assert "install python3-dnspython" in say(reading.detail)
