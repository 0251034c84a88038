"""Peers of the scale rows: ports that keep silent, and a server for any number of clients."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from tests.e2e.bed.host import Host
from tests.e2e.bed.netns import inside

ADDRESS = "127.0.0.1"


@dataclass
class Silence:
    """Listening ports behind which nobody lives."""

    listeners: list[socket.socket]

    @property
    def ports(self) -> list[int]:
        """The ports, one for each listener."""
        return [int(listener.getsockname()[1]) for listener in self.listeners]

    def wait_for_caller(self, timeout_s: float) -> float:
        """Return when (CLOCK_MONOTONIC) the first connection came, within 1 ms."""
        with selectors.DefaultSelector() as selector:
            for listener in self.listeners:
                selector.register(listener, selectors.EVENT_READ)
            assert selector.select(timeout_s), f"nobody called within {timeout_s:g} s"
        return time.monotonic()


@contextmanager
def silence(host: Host, count: int) -> Iterator[Silence]:
    """Listen on `count` free ports of the host's loopback, and never accept."""
    with ExitStack() as held:
        with inside(host.network):
            listeners = [
                held.enter_context(socket.create_server((ADDRESS, 0), backlog=64))
                for _ in range(count)
            ]
        yield Silence(listeners)


@dataclass(frozen=True, slots=True)
class Served:
    """One round as the server saw it: how many conversations, and how long from first to last."""

    conversations: int
    seconds: float


@dataclass
class Crowd:
    """A server of SMTP that holds any number of conversations, in a process of its own."""

    port: int
    _pipe: Connection
    _process: multiprocessing.process.BaseProcess = field(repr=False)

    def rounds(self) -> list[Served]:
        """Return the rounds that were served since the last call."""
        self._pipe.send("rounds")
        found = self._pipe.recv()
        assert isinstance(found, list)
        return found


@contextmanager
def crowd(host: Host, greeting_s: float = 0) -> Iterator[Crowd]:
    """Serve SMTP (plain: greeting, EHLO, QUIT) on a free port of the host's loopback.

    The greeting comes `greeting_s` (>= 0) seconds after the connection, as from a server that
    waits for clients that talk first (postscreen(8), postscreen_greet_wait).
    """
    with inside(host.network):
        listener = socket.create_server((ADDRESS, 0), backlog=4096)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(listener, theirs, ours, greeting_s), daemon=True)
    process.start()
    port = int(listener.getsockname()[1])
    listener.close()
    theirs.close()
    try:
        yield Crowd(port, ours, process)
    finally:
        ours.close()
        process.join(10)


_QUIET_S = 0.2
"""A pause of this length ends a round."""


def _serve(
    listener: socket.socket, pipe: Connection, parents_end: Connection, greeting_s: float
) -> None:
    # Else the parent could close it, and this process would never hear of it.
    parents_end.close()
    listener.setblocking(False)
    rounds: list[Served] = []
    count, first, last = 0, 0.0, 0.0
    ungreeted: deque[tuple[float, socket.socket]] = deque()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            next_s = ungreeted[0][0] - time.monotonic() if ungreeted else _QUIET_S
            ready = selector.select(max(0, next_s))
            if not ready and not ungreeted and count:
                rounds.append(Served(count, last - first))
                count = 0
            while ungreeted and ungreeted[0][0] <= time.monotonic():
                _greet(ungreeted.popleft()[1])
            for key, _ in ready:
                if key.fileobj is pipe:
                    try:
                        pipe.recv()
                    except EOFError:
                        return
                    pipe.send(rounds)
                    rounds = []
                elif key.fileobj is listener:
                    try:
                        peer, _ = listener.accept()
                    except BlockingIOError:
                        continue
                    first = first if count else time.monotonic()
                    count += 1
                    ungreeted.append((time.monotonic() + greeting_s, peer))
                    selector.register(peer, selectors.EVENT_READ)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    if _answer(key.fileobj):
                        last = time.monotonic()
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()


def _greet(peer: socket.socket) -> None:
    with suppress(OSError):
        peer.send(b"220 crowd.example.test ESMTP\r\n")


def _answer(peer: socket.socket) -> bool:
    """Answer one line; False at the end of the conversation."""
    try:
        line = peer.recv(512)
        if line.startswith(b"EHLO"):
            peer.send(b"250-crowd.example.test\r\n250 8BITMIME\r\n")
        elif line.startswith(b"QUIT"):
            peer.send(b"221 Bye\r\n")
        return bool(line)
    except OSError:
        return False
