"""The engine: what one conversation does, or its peer, is no matter to any other."""

from __future__ import annotations

import select
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Queue
from select import POLLIN
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Reading, Verdict
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.say import say
from mailwatch.net.engine import Engine, Steps, Wait, run
from mailwatch.probes.catalogue import build
from mailwatch.probes.guest import Guest
from mailwatch.probes.probe import Check
from mailwatch.probes.round import RollCall
from mailwatch.probes.settings import ServiceSettings

if TYPE_CHECKING:
    from tests.probes.conftest import Link, Peer, Script

    MakePeer = Callable[..., Peer]
Settings = Callable[..., ServiceSettings]

PATIENCE_S = 300
GOOD = 500
EPOLL = select.epoll
TLS_RECORD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"


class Readable(Wait):
    """A wait for something to read on a socket."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        super().__init__(until)
        self.fd, self.wants = sock.fileno(), POLLIN


class Clock:
    """The steady clock, which a test may have jump."""

    def __init__(self) -> None:
        self.jumped_s = 0.0

    def __call__(self) -> float:
        """Return the moment."""
        return time.monotonic() + self.jumped_s


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@contextmanager
def _good_server() -> Iterator[int]:
    """Yield the port of an SMTP server that holds any number of conversations on one thread."""
    answers = {b"EHLO": b"250 hi\r\n", b"QUIT": b"221 bye\r\n"}
    with ExitStack() as held, selectors.DefaultSelector() as selector:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        bell, rope = (held.enter_context(end) for end in socket.socketpair())
        selector.register(listener, selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)

        def serve() -> None:
            while True:
                for key, _ in selector.select():
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    if sock is bell:
                        return
                    if sock is listener:
                        link = held.enter_context(listener.accept()[0])
                        selector.register(link, selectors.EVENT_READ)
                        link.sendall(b"220 hi\r\n")
                    elif data := sock.recv(4096):
                        sock.sendall(answers[data[:4]])
                    else:
                        selector.unregister(sock)
                        sock.close()

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            rope.send(b"x")
            server.join()


def _dripping(begin: bytes, drop: bytes) -> Script:
    def script(link: Link) -> None:
        link.send(begin)
        while True:
            link.send(drop)
            time.sleep(0.02)

    return script


HOSTILE: dict[str, tuple[str, Script]] = {
    "silence": ("SMTP", lambda link: link.hear_end()),
    "silence in TLS": ("SMTPS", lambda link: link.hear_end()),
    "half a greeting": ("SMTP", _dripping(b"220-hi\r\n220", b"")),
    "a drip": ("SMTP", _dripping(b"", b"2")),
    "a drip of lines": ("SMTP", _dripping(b"", b"220-wait\r\n")),
    "half a handshake": ("SMTPS", _dripping(TLS_RECORD, b"")),
    "a drip of TLS": ("SMTPS", _dripping(TLS_RECORD, b"\x03")),
}


def test_peers_that_hang_delay_none_of_five_hundred_good_ones(
    peer: MakePeer, service: Settings
) -> None:
    """All good services have passed while each hostile peer still has its conversation."""
    passed: Queue[str] = Queue()
    ended: set[str] = set()
    over = threading.Event()

    def attempted(key: str, _number: int, reading: Reading) -> None:
        if reading.verdict is Verdict.PASS:
            passed.put(key)
        else:
            ended.add(key)

    with _good_server() as port:
        bad = [service(name, peer(script), verify=False) for name, script in HOSTILE.values()]
        good = [ServiceSettings(f"S{n}", "127.0.0.1", port, probe="smtp") for n in range(GOOD)]
        probes = [build(one) for one in [*bad, *good]]
        hasty = Guest(Policy(smtp_per_second=0))
        roll_call = RollCall(probes, time.monotonic, Engine(), hasty)
        before = threading.active_count()
        once = Attempts(retries=1, timeout_s=PATIENCE_S, delay_s=0)
        roll_call.begin(once, attempted, lambda readings, lost_s: over.set())
        heard = {passed.get(timeout=PATIENCE_S) for _ in range(GOOD)}
        assert heard == {one.key for one in good}
        assert not ended
        # One for the engine, one for each hostile script; the services cost none.
        assert threading.active_count() <= before + 1 + len(bad)
        assert not over.is_set()
        roll_call.cancel()


def test_a_bug_is_unmeasured_for_its_service_alone(
    peer: MakePeer, service: Settings, smtp_server: Script
) -> None:
    """Wherever it is, also beside what a probe catches itself."""

    class Broken(Check):
        def check(self, _deadline: object) -> Reading:
            raise AssertionError

        def attempt(self, _deadline: object) -> Steps[Reading]:
            yield Wait(0.0)
            raise ZeroDivisionError("a secret")

    answer: Queue[tuple[Reading, ...]] = Queue()
    probes = [Broken(ServiceSettings("BROKEN", "", 1)), build(service("SMTP", peer(smtp_server)))]
    once = Attempts(retries=1, timeout_s=60, delay_s=0)
    RollCall(probes, time.monotonic).begin(
        once, lambda *_: None, lambda readings, _lost_s: answer.put(readings)
    )
    broken, well = answer.get(timeout=PATIENCE_S)
    assert broken.verdict is Verdict.UNMEASURED
    assert say(broken.detail) == "a fault of mailwatch: ZeroDivisionError"
    assert well.verdict is Verdict.PASS


def test_what_raises_ends_itself_alone() -> None:
    """The engine goes on, whatever it was."""
    engine, seen = Engine(), Queue[str]()

    def raises() -> Steps[None]:
        yield Wait(0.0)
        raise MemoryError

    def well() -> Steps[None]:
        yield Wait(time.monotonic() + 0.01)
        seen.put("well")

    engine.begin([raises(), well()])
    assert seen.get(timeout=PATIENCE_S) == "well"
    engine.begin([well()])
    assert seen.get(timeout=PATIENCE_S) == "well"


def test_a_conversation_that_is_over_wakes_nobody(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline ends no sleep of the engine: each of those would cost a tenth of a round."""
    asked: Queue[float | None] = Queue()

    class Epoll:
        def __init__(self) -> None:
            self._real = EPOLL()
            self.register, self.unregister = self._real.register, self._real.unregister

        def poll(self, timeout: float | None, most: int) -> list[tuple[int, int]]:
            asked.put(timeout)
            return self._real.poll(timeout, most)

    monkeypatch.setattr("mailwatch.net.engine.select.epoll", Epoll)
    ours, theirs = pair

    def conversation() -> Steps[None]:
        yield Readable(ours, time.monotonic() + PATIENCE_S)

    Engine().begin([conversation()])
    while not asked.get(timeout=PATIENCE_S):
        pass  # until it waits for the peer
    theirs.send(b"hello")
    assert asked.get(timeout=PATIENCE_S) is None


def test_what_has_come_is_read_before_time_is_up(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A process that stood still past all deadlines still hears what came meanwhile."""
    ours, theirs = pair
    clock, seen = Clock(), Queue[tuple[str, bool]]()
    engine = Engine(clock)

    def listens() -> Steps[None]:
        wait = Readable(ours, clock() + 1000)
        seen.put(("in time", (yield wait)))
        ours.recv(1)
        seen.put(("after it", (yield wait)))

    def stands_still() -> Steps[None]:
        yield Wait(clock())
        theirs.send(b"x")
        clock.jumped_s += 5000

    engine.begin([listens(), stands_still()])
    assert seen.get(timeout=PATIENCE_S) == ("in time", True)
    assert seen.get(timeout=PATIENCE_S) == ("after it", False)
    assert engine.lost_s > 4000


def test_who_always_has_more_to_say_is_ended_on_time(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """To be readable again and again stretches no deadline."""
    ours, theirs = pair
    engine, seen = Engine(), Queue[bool]()

    def listens() -> Steps[None]:
        wait = Readable(ours, time.monotonic() + 0.05)
        while (yield wait):
            pass
        seen.put(True)

    theirs.send(b"x")
    engine.begin([listens()])
    assert seen.get(timeout=PATIENCE_S)


def test_a_pause_within_a_conversation_lasts_and_loses_nothing(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """What comes meanwhile waits for it, by either way to hold a conversation."""
    ours, theirs = pair
    seen: Queue[list[bool]] = Queue()

    def pauses() -> Steps[None]:
        wait = Readable(ours, time.monotonic() + PATIENCE_S)
        theirs.send(b"x")
        seen.put([(yield wait), (yield Wait(time.monotonic() + 0.05)), (yield wait)])

    Engine().begin([pauses()])
    assert seen.get(timeout=PATIENCE_S) == [True, False, True]
    with suppress(BlockingIOError):
        ours.recv(10, socket.MSG_DONTWAIT)
    run(pauses())
    assert seen.get_nowait() == [True, False, True]
