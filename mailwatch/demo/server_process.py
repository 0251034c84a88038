"""Runs the demo's mail server as a process: its certificate, its hang and its restart."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import fact, words
from mailwatch.core.model import Condition, Description, Target, TargetState
from mailwatch.core.sentences import Sentences
from mailwatch.core.text import printable
from mailwatch.demo.moments import Moments, NoStory, Turn
from mailwatch.demo.screen import GREEN, RED, Screen
from mailwatch.demo.server import READY
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters import RestartError

SENTENCES: Sentences = {
    "target-demo": "server {name}",
    "demo-ended": "the server's process has ended",
}

_PROGRAM = Path(__file__).with_name("server.py")

START_LIMIT_S = 15.0
"""How long the server may take until it answers; it takes about 0.2 s."""

GRACE_S = 1.0
"""How long the server may take to end by itself before it is killed."""

_COMMAND = """openssl req -x509 -config /dev/stdin -subj /CN=localhost -days 1 -keyout - -out -
    -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"""

_CONFIG = b"[req]\ndistinguished_name = none\n[none]\n"
"""In place of the system's openssl.cnf, which may be missing or ask questions."""


def make_certificate() -> int | None:
    """Return a descriptor of key and certificate in PEM, None where openssl makes none.

    The file has no name: it is gone with the last process that holds it, however that ends.
    """
    command = _COMMAND.split()
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENSSL_")}
    made = os.memfd_create("mailwatch-demo-certificate")
    try:
        pem = subprocess.run(  # noqa: S603  # every word is ours; it takes about 20 ms
            command, input=_CONFIG, capture_output=True, env=env, timeout=10, check=True
        ).stdout
        os.write(made, pem)
        # To try it here is to know that the server can use it too.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(f"/proc/self/fd/{made}")
    except (OSError, subprocess.SubprocessError):
        os.close(made)
        return None
    return made


class Server:
    """The process that answers at `offers`, and what restarts it.

    It is handed sockets that listen, as systemd hands them to a service: the ports stay ours while
    it is away, and here it shows when a client waits for one that hangs.
    """

    def __init__(
        self,
        offers: Mapping[socket.socket, ServiceSettings],
        certificate: int | None,
        screen: Screen,
        moments: Moments,
    ) -> None:
        self._offers, self._certificate = offers, certificate
        self._screen, self._moments = screen, moments
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        # The kernel kills the server when the thread that started it ends (PR_SET_PDEATHSIG in
        # prctl(2)): so it is one thread that starts it each time, and lives as long as we do.
        self._spawner = ThreadPoolExecutor(1, "spawner")

    @property
    def pid(self) -> int | None:
        """Its process, None while it does not run."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers; raises NoStory."""
        try:
            said = self._spawner.submit(self._spawn).result(START_LIMIT_S)
        except TimeoutError:
            said = b"it said nothing in time"
        except (OSError, RuntimeError) as error:
            said = str(error).encode()
        if said != READY:
            why = printable(said.strip().rpartition(b"\n")[2])
            raise NoStory(f"The demo's mail server did not start ({why}): try again.")
        self._started_at = time.time()

    def hang(self) -> None:
        """Stop the process as a debugger would: its ports accept, and nothing answers."""
        if self._child is not None:
            self._child.send_signal(signal.SIGSTOP)

    def is_waited_for(self, seconds: float) -> bool:
        """Whether within `seconds` a client waits for the server to notice it."""
        return bool(select.select(list(self._offers), [], [], seconds)[0])

    def describe(self) -> Description:
        """Return what it is."""
        return Description(Target("demo", "demo-mail"))

    def inspect(self, deadline: Deadline) -> TargetState:
        """Return what an engine would say: a process that hangs is running."""
        if self.pid is None:
            return TargetState(Condition.CRASHED, fact("demo-ended"))
        return TargetState(Condition.RUNNING, started_at=self._started_at)

    def restart(self, deadline: Deadline, seen: TargetState) -> None:
        """End it, by force if it does not listen, and start it anew; raises RestartError."""
        self._moments.note(Turn.RESTARTING)
        child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                text = f"does not hear SIGTERM: killed after {GRACE_S:g} s of grace"
                self._screen.say("server", text, RED)
                self._kill()
        try:
            self.start()
        except NoStory as error:
            raise RestartError(words(str(error))) from None
        self._moments.note(Turn.RESTARTED)
        self._screen.say("server", f"is started again, as process {self.pid}", GREEN)

    def close(self) -> None:
        """End it for good."""
        self._kill()
        self._spawner.shutdown(cancel_futures=True)
        self._kill()  # the one that was being started

    def _kill(self) -> None:
        child = self._child
        if child is not None:
            child.kill()
            child.wait()

    def _spawn(self) -> bytes:
        """Start the process and return what it says: READY, or why it ended."""
        services = [
            (settings.probe, listener.fileno(), settings.tls is TlsMode.IMPLICIT)
            for listener, settings in self._offers.items()
        ]
        order = json.dumps([os.getpid(), services, self._certificate])
        certificate = () if self._certificate is None else (self._certificate,)
        self._child = subprocess.Popen(  # noqa: S603  # every word is ours
            # -I and -S: no variable and no site of this machine reaches it.
            [sys.executable or "python3", "-I", "-S", "-B", str(_PROGRAM), order],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[*(listener.fileno() for listener in self._offers), *certificate],
            # Ctrl-C is for us to hear, and the server is not to die of it before.
            process_group=0,
        )
        assert self._child.stdout is not None
        with self._child.stdout as pipe:
            return pipe.read()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the restarter of the demo is made from: the server that it restarts."""

    server: Server
    longest_restart_s: float = GRACE_S + START_LIMIT_S


RESTARTER = attrgetter("server")
