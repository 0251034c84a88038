"""The mail server: a container `stalwart` of Postfix, Dovecot and nginx, and what befalls it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import NeverHappened, wait_until

NAME = "stalwart"
IMAGE = "mailwatch-e2e/mail"
ADDRESS = "127.0.0.1"
TLS_PORTS = (443, 465, 993, 995)
GREETINGS = {
    24: b"220 ", 25: b"220 ", 110: b"+OK", 143: b"* OK", 465: b"220 ", 587: b"220 ",
    993: b"* OK", 995: b"+OK", 4190: b'"IMPLEMENTATION"',
}  # fmt: skip
"""The first bytes that a client sees of each port whose server speaks first."""
FAREWELLS = {143: b"a LOGOUT\r\n", 993: b"a LOGOUT\r\n", 4190: b"LOGOUT\r\n"}
FAREWELL = b"QUIT\r\n"
WEB_PORTS = (80, 443)
PORTS = (*sorted({*GREETINGS, *WEB_PORTS}),)

FRONT, PROXIED = 10000, 20000
"""How much more than the port HAProxy listens on, for anybody and for a PROXY header."""

_STATE = "/var/lib/bed"
_UP_S = 60.0


class Mail:
    """The container, by what an admin or a fault does to it."""

    def __init__(self, host: Host, engine: Engine) -> None:
        self._host = host
        self._engine = engine

    def start(self, *more: str, front: bool = False) -> None:
        """Make the container, `more` being options of docker run, and wait until it answers.

        With `front`, what is published is HAProxy before each port, not the port itself.
        """
        self._host.run(f"mkdir -p {_STATE}")
        beyond, how = (FRONT, ["front"]) if front else (0, [])
        published = [f"--publish={ADDRESS}:{port}:{port + beyond}" for port in PORTS]
        # The resolver is the container itself, where nothing listens: names fail at once.
        self._engine.docker(
            "run", "--detach", "--name", NAME, "--hostname", "mail.example.test",
            "--dns", "127.0.0.1", "--restart", "unless-stopped",
            "--volume", f"{_STATE}:/bed:ro", *published, *more,
            IMAGE, "/usr/local/sbin/serve-mail", *how,
        )  # fmt: skip
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until every port answers with its greeting."""
        try:
            wait_until(self.answers, _UP_S, "every port of the mail server to answer")
        except NeverHappened as never:
            log = self._engine.try_docker("logs", "--tail=40", NAME)[1]
            raise NeverHappened(f"{never}\n{log}") from None

    def answers(self) -> bool:
        """Whether every port answers."""
        return all(self.greets(port) for port in PORTS)

    def greets(self, port: int, timeout_s: float = 2.0) -> bool:
        """Whether `port` answers as its protocol says within `timeout_s`."""
        try:
            with self.connected(port, timeout_s) as peer:
                if port in WEB_PORTS:
                    peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return peer.recv(4096).startswith(b"HTTP/1.1 200 ")
                greeted = peer.recv(4096).startswith(GREETINGS[port])
                # A client that hangs up is a line in the log, which some tests read.
                peer.sendall(FAREWELLS.get(port, FAREWELL))
                while peer.recv(4096):
                    pass
                return greeted
        except OSError:
            return False

    @contextmanager
    def connected(self, port: int, timeout_s: float = 2.0) -> Iterator[socket.socket]:
        """A connection to `port` from the host, through TLS where the port begins with it."""
        with inside(self._host.network):
            plain = socket.create_connection((ADDRESS, port), timeout_s)
        with plain:
            if port not in TLS_PORTS:
                yield plain
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain) as secure:
                yield secure

    def started_at(self) -> str:
        """Return the moment of the container's last start, as Docker writes it."""
        return self._inspect("{{.State.StartedAt}}")

    def status(self) -> str:
        """Return what Docker says of the container: running, paused, exited, `missing`."""
        code, said = self._engine.try_docker("inspect", "--format={{.State.Status}}", NAME)
        return said if code == 0 else "missing"

    def hang(self, program: str = "") -> None:
        """Stop every process of the container (SIGSTOP): ports accept, and nothing answers.

        With `program`, only the processes of that name are stopped, for example `nginx`.
        """
        wait_until(lambda: self._all_stopped(program), 10, "the processes to be stopped")

    def _all_stopped(self, program: str) -> bool:
        # A process may have forked while we looked, so it takes a look at which all are stopped.
        moving = [
            pid
            for pid, state, name in self._processes()
            if state[0] not in "TZ" and program in ("", name)
        ]
        if moving:
            self._host.try_run(f"kill -STOP {' '.join(moving)}")
        return not moving

    def resume(self) -> None:
        """Let every process of the container go on (SIGCONT)."""
        self._host.try_run(f"kill -CONT {' '.join(pid for pid, _, _ in self._processes())}")

    def _processes(self) -> list[list[str]]:
        """Return process id, state and name of all in the container, without Docker's help."""
        first = "pgrep --oldest --full '[s]erve-mail'"
        rows = self._host.run(
            f"ps -o pid=,stat=,comm= -p $(pgrep --ns $({first}) --nslist pid -d ,)"
        )
        return [row.split(maxsplit=2) for row in rows.splitlines()]

    def break_for_good(self) -> None:
        """Hang now and after every restart: each port accepts and nothing ever answers."""
        self._host.run(f"touch {_STATE}/broken")
        self.hang()

    def mend(self) -> None:
        """Undo break_for_good(), as an admin does who has found the cause: restart it."""
        self._host.run(f"rm {_STATE}/broken")
        self._engine.docker("restart", "--time=1", NAME)
        self.wait_until_up()

    def remove(self) -> None:
        """Remove the container, whatever state it is in."""
        self._engine.try_docker("rm", "--force", NAME)

    def restore(self) -> None:
        """Make the container anew, unless it runs and every port answers."""
        broken = self._host.try_run(f"rm {_STATE}/broken")[0] == 0
        if broken or self.status() != "running" or not self.answers():
            self.remove()
            self.start()

    def _inspect(self, template: str) -> str:
        return self._engine.docker("inspect", f"--format={template}", NAME)
