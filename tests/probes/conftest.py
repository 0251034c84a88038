"""Servers on loopback that do what a test's script says, line by line, however rude."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from string import Formatter
from typing import Any

import pytest
import trustme

from mailwatch.core.deadline import Deadline
from mailwatch.core.facts import Fact
from mailwatch.core.model import Fault, Reading
from mailwatch.core.say import TEMPLATES, say
from mailwatch.net.engine import ENGINE, Steps
from mailwatch.probes.catalogue import build, defaults_for
from mailwatch.probes.probe import Check
from mailwatch.probes.settings import ServiceSettings

PATIENCE_S = 120
"""How long a script waits for its client before it gives the test up."""

SLACK_S = 20
"""How much later than its deadline a probe may end on a machine that does other things."""


class Link:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server_context: ssl.SSLContext) -> None:
        self.sock = sock
        self.heard: list[bytes] = []
        self.pipelined = False
        self.ended = ""
        self._context = server_context
        self._buffer = b""

    def secure(self) -> None:
        """Do the server's half of a TLS handshake."""
        self.sock = self._context.wrap_socket(self.sock, server_side=True)

    def say(self, *lines: str) -> None:
        """Send lines."""
        self.send("".join(f"{line}\r\n" for line in lines).encode("latin-1"))

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.sock.sendall(data)

    def hear(self) -> bytes:
        """Return the next line without its break, and note it; b"" at the end of the stream."""
        while b"\r\n" not in self._buffer:
            data = self._receive()
            if not data:
                return b""
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        self.pipelined = self.pipelined or bool(self._buffer)
        self.heard.append(line)
        return line

    def hear_request(self) -> None:
        """Hear the lines of a request up to its empty one."""
        while self.hear():
            self.pipelined = False

    def hear_end(self) -> None:
        """Wait until the client closes; note whether it did so in order or by a reset."""
        while data := self._receive():
            self._buffer += data

    def close(self) -> None:
        """Close in order."""
        with suppress(OSError, ValueError):
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock = self.sock.unwrap()
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset (socket(7), SO_LINGER)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Not by way of SSLSocket, whose close() may leave the descriptor to somebody else.
        socket.socket(fileno=self.sock.detach()).close()

    def _receive(self) -> bytes:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            self.ended = "reset"
            return b""
        except ssl.SSLEOFError:
            self.ended = "without close_notify"
            return b""
        if not data:
            self.ended = "in order"
        return data


Script = Callable[[Link], None]


class Peer:
    """A listener on a free port; each connection runs the script on a thread of its own."""

    def __init__(
        self,
        script: Script,
        server_context: ssl.SSLContext,
        tls: bool,
        family: socket.AddressFamily,
    ) -> None:
        self.links: list[Link] = []
        self._script = script
        self._context = server_context
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._accepted = threading.Condition()
        self._problems: list[BaseException] = []
        self.host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self._listener = socket.create_server((self.host, 0), family=family, backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def link(self) -> Link:
        """The only connection there was, when its script has ended."""
        # A client may have come and gone before we are given the processor to accept it.
        with self._accepted:
            assert self._accepted.wait_for(lambda: self.links, PATIENCE_S), "nobody has come"
        self.join()
        (link,) = self.links
        return link

    def join(self) -> None:
        """Wait for the scripts of all connections; raises what they raised."""
        with self._accepted:
            begun = list(self._threads)
        for thread in begun:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the script of a peer did not end"
        if self._problems:
            raise self._problems[0]

    def close(self) -> None:
        """Let go of everything, and end the scripts that still wait."""
        # shutdown() wakes accept(); close() alone does not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE_S)
        for link in self.links:
            with suppress(OSError):
                link.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for link in self.links:
            link.sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(sock, self._context)
            thread = threading.Thread(target=self._serve, args=(link,), daemon=True)
            with self._accepted:
                self.links.append(link)
                self._threads.append(thread)
                thread.start()
                self._accepted.notify_all()

    def _serve(self, link: Link) -> None:
        try:
            if self._tls:
                link.secure()
            self._script(link)
        except (OSError, ValueError):
            pass  # the client has left in the middle, which is for the test to judge
        except BaseException as problem:  # noqa: BLE001  told by join()
            self._problems.append(problem)
        finally:
            link.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return a certificate authority of the tests' own."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the authority's certificate in a PEM file."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return the TLS of a server that is mail.example.org, 127.0.0.1 and ::1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.example.org", "127.0.0.1", "::1").configure_cert(context)
    return context


@pytest.fixture
def peer(server_context: ssl.SSLContext) -> Iterator[Callable[..., Peer]]:
    """Return a maker of peers: `peer(script, tls=False, family=AF_INET, context=None)`."""
    peers: list[Peer] = []

    def make(
        script: Script,
        tls: bool = False,
        family: socket.AddressFamily = socket.AF_INET,
        context: ssl.SSLContext | None = None,
    ) -> Peer:
        peers.append(Peer(script, context or server_context, tls, family))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


@pytest.fixture
def service() -> Callable[..., ServiceSettings]:
    """Return a maker of settings: `service("SMTP", peer, **other settings)`."""

    def make(name: str, where: Peer, **more: Any) -> ServiceSettings:
        known = defaults_for(name)
        settings: dict[str, Any] = {
            "host": where.host,
            "port": where.port,
            "probe": known.probe,
            "tls": known.tls,
        }
        return ServiceSettings(name, **(settings | more))

    return make


def unsaid(told: Fact) -> list[str]:
    """Return what is wrong with `told`: a code without a template, or arguments that differ."""
    if not told:
        return []
    nested = [wrong for _, one in told.args if isinstance(one, Fact) for wrong in unsaid(one)]
    template = TEMPLATES.get(told.code)
    if not isinstance(template, str):
        return [told.code, *nested]
    wanted = {name for _, name, _, _ in Formatter().parse(template) if name}
    return nested if wanted == {name for name, _ in told.args} else [told.code, *nested]


def attempt(probe: Check, within_s: float) -> Reading:
    """Return how one attempt goes, held by the engine as a round's are."""
    deadline = Deadline.after(within_s, time.monotonic)
    answer: Queue[Reading] = Queue()

    def hold() -> Steps[None]:
        answer.put((yield from probe.attempt(deadline)))

    ENGINE.begin([hold()])
    return answer.get(timeout=within_s + PATIENCE_S)


@pytest.fixture
def ask() -> Callable[..., Reading]:
    """Return a function that checks a service: `ask(settings, within_s=60)`.

    It fails the test when the probe outlives its deadline; `make fuzz` measures that sharply, here
    the machine is shared.
    """

    def check(settings: ServiceSettings, within_s: float = 60) -> Reading:
        began = time.monotonic()
        reading = attempt(build(settings), within_s)
        assert time.monotonic() - began < within_s + SLACK_S
        assert reading.service == settings.key
        assert say(reading.detail).isprintable()
        assert not unsaid(reading.detail)
        return reading

    return check


@pytest.fixture
def ask_briefly(ask: Callable[..., Reading]) -> Callable[[ServiceSettings, Fault], Reading]:
    """Return a function that checks a service which hangs: `ask_briefly(settings, fault)`.

    A busy machine may need more than a little time to come to the hang at all, and gets it.
    """

    def check(settings: ServiceSettings, fault: Fault) -> Reading:
        for within_s in (0.3, 3, 30):
            reading = ask(settings, within_s=within_s)
            if reading.fault is fault:
                break
        return reading

    return check


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of 127.0.0.1 that nothing listens on: one that is bound, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def smtp_server() -> Script:
    """Return the script of an SMTP server that does everything right, STARTTLS too."""

    def script(link: Link) -> None:
        link.say("220 mail.example.org ESMTP")
        offers = ["250-mail.example.org", "250-SIZE 1000000", "250-starttls", "250 HELP"]
        while line := link.hear():
            verb = line.split(b" ")[0].upper()
            if verb == b"EHLO":
                link.say(*offers)
            elif verb == b"STARTTLS":
                link.say("220 go ahead")
                link.secure()
                offers.remove("250-starttls")
            elif verb == b"QUIT":
                link.say("221 bye")
                link.hear_end()
                return
            else:
                link.say("502 unknown command")

    return script


@pytest.fixture
def imap_server() -> Script:
    """Return the script of an IMAP server that does everything right, STARTTLS too."""

    def script(link: Link) -> None:
        link.say("* OK IMAP ready")
        offers = "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN"
        while line := link.hear():
            tag, verb = line.decode().split(" ")[:2]
            if verb == "CAPABILITY":
                link.say(offers, f"{tag} OK done")
            elif verb == "STARTTLS":
                link.say(f"{tag} OK begin")
                link.secure()
                offers = "* CAPABILITY IMAP4rev1 AUTH=PLAIN"
            elif verb == "LOGOUT":
                link.say("* BYE see you", f"{tag} OK done")
                link.hear_end()
                return
            else:
                link.say(f"{tag} BAD unknown command")

    return script
