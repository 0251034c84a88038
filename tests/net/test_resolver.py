from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.net.conversation import Conversation
from mailwatch.net.endpoint import Endpoint
from mailwatch.net.engine import ENGINE, run
from mailwatch.net.errors import ConversationError
from mailwatch.net.resolver import REMEMBERED_S, Address, Resolver, look_up, numeric
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]
Ask = Callable[..., Reading]


def _soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds, time.monotonic)


def _forbidden(host: str) -> list[Address]:
    raise AssertionError(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", Address(socket.AF_INET, ("127.0.0.1", 25))),
        ("::1", Address(socket.AF_INET6, ("::1", 25, 0, 0))),
        ("fe80::1%lo", Address(socket.AF_INET6, ("fe80::1", 25, 0, 1))),
        ("fe80::1%7", Address(socket.AF_INET6, ("fe80::1", 25, 0, 7))),
    ],
)
def test_digits_need_no_resolver(host: str, address: Address) -> None:
    """An address in digits is taken as it is: no thread, no name service."""
    assert run(Resolver(_forbidden).resolve(host, 25, _soon())) == [address]


@pytest.mark.parametrize("host", ["localhost", "1.2.3", "::1%nosuch", "1:2", "", "127.0.0.1 "])
def test_what_is_not_an_address_in_digits(host: str) -> None:
    """Everything else is a name."""
    assert numeric(host, 25) is None


def test_a_name_is_resolved(
    peer: MakePeer, service: Settings, ask: Ask, smtp_server: Script
) -> None:
    """localhost is reached by its name, on whichever of its addresses the service listens."""
    assert ask(service("SMTP", peer(smtp_server), host="localhost")).verdict is Verdict.PASS


def test_every_address_is_tried(closed_port: int, peer: MakePeer, smtp_server: Script) -> None:
    """Where the first address refuses, the next one is asked."""
    server = peer(smtp_server)
    addresses = [
        Address(socket.AF_INET, ("127.0.0.1", closed_port)),
        Address(socket.AF_INET, ("127.0.0.1", server.port)),
    ]
    talk = Conversation(Endpoint("SMTP", "nobody"), _soon())
    run(talk.connect(addresses))
    talk.close()


def test_what_an_address_answers_counts_more_than_what_we_lack(closed_port: int) -> None:
    """A refusal is the service's own word; that we lack IPv6 or a route is not."""
    refuses = Address(socket.AF_INET, ("127.0.0.1", closed_port))
    lacking = Address(socket.AF_INET6, ("2001:db8::1", 25, 0, 0))
    with pytest.raises(ConversationError) as caught:
        run(Conversation(Endpoint("SMTP", "nobody"), _soon(0.5)).connect([refuses, lacking]))
    assert caught.value.fault in (Fault.REFUSED, Fault.TIMEOUT)


def _failing(error: BaseException) -> Callable[[str], list[Address]]:
    def look_up(host: str) -> list[Address]:
        raise error

    return look_up


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (_failing(socket.gaierror(socket.EAI_NONAME, "Name unknown")), "(Name unknown): check"),
        (_failing(socket.gaierror(socket.EAI_AGAIN, "Try\nagain")), r"(Try\nagain): check"),
        (_failing(OSError(24, "x")), "(too many open files: raise LimitNOFILE"),
        (lambda host: [], "the name mail.example.org has no address"),
    ],
)
def test_a_resolver_that_fails_is_our_own_fault(
    found: Callable[[str], list[Address]], words: str
) -> None:
    """Whatever goes wrong while a name is resolved is unmeasured, with what to check."""
    with pytest.raises(ConversationError) as caught:
        run(Resolver(found).resolve("mail.example.org", 25, _soon()))
    assert caught.value.fault is None
    assert words in str(caught.value)


def test_a_name_that_cannot_be_a_name() -> None:
    """A label that is too long never leaves this host."""
    with pytest.raises(ConversationError) as caught:
        run(Resolver(look_up).resolve("a" * 64 + ".example", 25, _soon()))
    assert caught.value.fault is None


def test_a_stuck_resolver_holds_up_nobody_and_piles_up_no_threads() -> None:
    """Every probe of a name that hangs ends on time, and all wait for one and the same thread."""
    begun: list[str] = []
    release = threading.Event()

    def hang(host: str) -> list[Address]:
        begun.append(host)
        release.wait(60)
        return [Address(socket.AF_INET, ("127.0.0.1", 0))]

    resolver = Resolver(hang)
    try:
        for _ in range(5):
            with pytest.raises(ConversationError) as caught:
                run(resolver.resolve("mail.example.org", 25, _soon(0.05)))
            assert caught.value.fault is None
            assert "was not resolved in time" in str(caught.value)
        assert begun == ["mail.example.org"]
    finally:
        release.set()
    answer = run(resolver.resolve("mail.example.org", 587, _soon()))
    assert answer == [Address(socket.AF_INET, ("127.0.0.1", 587))]


def test_what_was_found_helps_out_while_the_resolver_hangs() -> None:
    """For as long as it is remembered, and after half of the time of who asks."""
    found, now = Address(socket.AF_INET, ("192.0.2.1", 0)), [0.0]
    release = threading.Event()
    release.set()

    def look_up(host: str) -> list[Address]:
        release.wait(60)
        return [found]

    def resolve(within_s: float) -> list[Address]:
        deadline = Deadline.after(within_s, lambda: now[0])
        return run(resolver.resolve("mail.example.org", 0, deadline), lambda: now[0])

    resolver = Resolver(look_up)
    assert resolve(60) == [found]
    release.clear()
    try:
        now[0] = REMEMBERED_S
        assert resolve(0.1) == [found]
        now[0] += 1
        with pytest.raises(ConversationError, match="not resolved in time"):
            resolve(0.1)
    finally:
        release.set()


def test_without_a_thread_the_name_is_not_asked_for(
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """A host that allows no further thread says what to raise, and the next look asks again."""
    found = Address(socket.AF_INET, ("192.0.2.1", 0))
    resolver = Resolver(lambda host: [found])
    with without_threads(), pytest.raises(ConversationError) as caught:
        run(resolver.resolve("mail.example.org", 25, _soon()))
    assert caught.value.fault is None
    assert caught.value.detail == fact("no-thread")
    assert "raise TasksMax" in str(caught.value)
    assert run(resolver.resolve("mail.example.org", 0, _soon())) == [found]


def test_a_service_by_name_without_a_thread_is_unmeasured(
    peer: MakePeer,
    service: Settings,
    ask: Ask,
    without_threads: Callable[[], AbstractContextManager[None]],
) -> None:
    """Not even a hint of a fault of mailwatch: the admin reads what to do."""
    settings = service("TCP", peer(lambda link: link.hear_end()), host="nobody.invalid")
    ENGINE.begin([])  # it runs, whichever test is the first
    with without_threads():
        reading = ask(settings)
    assert reading.verdict is Verdict.UNMEASURED
    assert reading.detail == fact("no-thread")


def test_many_who_ask_at_once_share_one_answer() -> None:
    """Four services of one host cost one look-up a round, each with its own port."""
    begun: list[str] = []
    release = threading.Event()

    def slowly(host: str) -> list[Address]:
        begun.append(host)
        release.wait(60)
        return [Address(socket.AF_INET6, ("::1", 0, 0, 3))]

    resolver = Resolver(slowly)
    answers: dict[int, list[Address]] = {}

    def resolve(port: int) -> None:
        answers[port] = run(resolver.resolve("mail.example.org", port, _soon()))

    threads = [threading.Thread(target=resolve, args=(port,)) for port in (25, 465, 993)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join(20)
    assert {port: found[0].where for port, found in answers.items()} == {
        port: ("::1", port, 0, 3) for port in (25, 465, 993)
    }
    assert 1 <= len(begun) <= 3
