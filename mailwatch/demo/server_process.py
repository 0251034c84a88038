"""Runs the demo's mail server as a process: starts it, hangs it, restarts it, ends it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.text import printable
from mailwatch.demo.server import READY

_PROGRAM = Path(__file__).with_name("server.py")

START_LIMIT_S = 15.0
"""How long the server may take until it answers; it takes about 0.2 s."""

GRACE_S = 1.0
"""How long the server may take to end by itself before it is killed."""


class ServerError(Exception):
    """The server could not be started; `str()` is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One service of the server."""

    name: str
    protocol: str
    """A key of `server.CONVERSATIONS`."""
    tls: bool
    port: int


class Ports:
    """Ports of 127.0.0.1 that nobody else gets, also while the server is away.

    Each is held by a socket that is bound and does not listen: a connection to it is refused.
    """

    def __init__(self, count: int) -> None:
        """Take `count` ports; raises OSError."""
        self._sockets: list[socket.socket] = []
        try:
            for _ in range(count):
                held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._sockets.append(held)
                held.bind(("127.0.0.1", 0))
                # Set only now: the kernel then chose a port that is nobody's, and the server may
                # bind it as well.
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        except OSError:
            self.close()
            raise

    @property
    def numbers(self) -> tuple[int, ...]:
        """The ports."""
        return tuple(held.getsockname()[1] for held in self._sockets)

    def close(self) -> None:
        """Give the ports back."""
        for held in self._sockets:
            held.close()


class Server:
    """The process; `say` is told in words what is done to it."""

    def __init__(
        self, offers: Sequence[Offer], certificate: int | None, say: Callable[[str], None]
    ) -> None:
        self._offers = tuple(offers)
        self._certificate = certificate
        self._say = say
        self._lock = threading.Lock()
        self._closed = False
        self._child: subprocess.Popen[bytes] | None = None
        # The kernel kills the server when the thread that started it ends (PR_SET_PDEATHSIG in
        # prctl(2)): so it is one thread that starts it each time, and lives as long as we do.
        self._spawner = ThreadPoolExecutor(1, "spawner")
        self.started_at = 0.0
        """When it was started last, in seconds since 1970."""

    @property
    def pid(self) -> int | None:
        """Its process, None while it does not run."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers; raises ServerError."""
        self._spawner.submit(self._spawn).result()

    def hang(self) -> None:
        """Stop the process as a debugger would: its ports accept, and nothing answers."""
        if self._child is not None:
            self._child.send_signal(signal.SIGSTOP)

    def restart(self) -> None:
        """End it, by force if it does not listen, and start it anew; raises ServerError."""
        child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._say(f"does not hear SIGTERM: killed after {GRACE_S:g} s of grace")
                child.kill()
                child.wait()
        self.start()

    def close(self) -> None:
        """End it for good."""
        with self._lock:
            self._closed = True
            child = self._child
        if child is not None:
            child.kill()
            child.wait()
        self._spawner.shutdown()

    def _spawn(self) -> None:
        order = {
            "parent": os.getpid(),
            "services": [[offer.protocol, offer.port, offer.tls] for offer in self._offers],
            "certificate": self._certificate,
        }
        # -I and -S: no variable and no site of this machine reaches it.
        command = [sys.executable or "python3", "-I", "-S", "-B", str(_PROGRAM), json.dumps(order)]
        try:
            with self._lock:
                if self._closed:
                    raise ServerError("The demo ends, so its mail server is not started again.")
                child = self._child = subprocess.Popen(  # noqa: S603  # every word is ours
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=() if self._certificate is None else (self._certificate,),
                    # Ctrl-C is for us to hear, and the server is not to die of it before.
                    process_group=0,
                )
        except OSError as error:
            raise ServerError(
                f"The demo's mail server could not be started ({error.strerror}): check that"
                " this Python can run programs here."
            ) from None
        assert child.stdout is not None
        with child.stdout as pipe:
            said = _first_line(pipe.fileno(), time.monotonic() + START_LIMIT_S)
        if said != READY:
            with suppress(OSError):
                child.kill()
            child.wait()
            why = printable(said or "it said nothing in time")
            raise ServerError(f"The demo's mail server did not start ({why}): try again.")
        self.started_at = time.time()


def _first_line(descriptor: int, until: float) -> str:
    """Return the line that comes first, or the last of what came without being a line."""
    heard = b""
    while not heard.startswith(f"{READY}\n".encode()):
        left = until - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        data = os.read(descriptor, 4096)
        if not data:
            break
        heard = (heard + data)[-16384:]
    lines = heard.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
