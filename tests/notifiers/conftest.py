"""A web server on loopback that answers a notifier as a test's script says, plain or with TLS."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message, Severity, Topic

ACCEPTED = json.dumps({"id": 25, "appid": 5, "message": "x", "priority": 5}).encode()


class Post(BaseHTTPRequestHandler):
    """One request to the server."""

    server: _Server

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer with these; an underscore in a header's name stands for a hyphen."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def raw(self, *parts: bytes) -> None:
        """Send bytes as they are, and hang up."""
        for part in parts:
            self.wfile.write(part)

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.inbox.over.wait()

    def drip(self, head: bytes) -> None:
        """Send `head` and then a byte ten times a second, until the test is over."""
        self.wfile.write(head)
        while not self.server.inbox.over.wait(0.1):
            self.wfile.write(b"x")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing on the terminal."""

    def _serve(self) -> None:
        inbox = self.server.inbox
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        inbox.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        with suppress(OSError):
            inbox.answer(self)

    do_GET = do_POST = do_CONNECT = _serve  # noqa: N815  # the names that the base class calls


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True
    inbox: Inbox

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is what some tests want."""


class Seen:
    """A request that arrived."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        read = json.loads(self.body)
        assert isinstance(read, dict)
        return read


class Inbox:
    """The server; `answer` is what it does with a request."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.answer: Callable[[Post], None] = lambda post: post.reply(200, ACCEPTED)
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Post)
        self._server.inbox = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """End every conversation and give the port back."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Return a server that speaks HTTP."""
    made = Inbox()
    yield made
    made.close()


@pytest.fixture
def another() -> Iterator[Inbox]:
    """Return a second server."""
    made = Inbox()
    yield made
    made.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gotify.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_inbox(certificate: Path) -> Iterator[Inbox]:
    """Return a server that speaks HTTPS with the self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = Inbox(context)
    yield made
    made.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of 127.0.0.1 on which nothing listens, and nothing else can begin to."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield int(kept.getsockname()[1])


@pytest.fixture
def message() -> Message:
    """Return what a failure tells."""
    return Message(
        Topic.OPENED,
        Severity.WARNING,
        "mail.example.org: SMTP and IMAPS do not answer",
        "Since 03:14 UTC.\nGrüße: “restarting” ✓\nIncident 20260301-1",
        1772359200,
        "20260301-1",
    )


@pytest.fixture
def within() -> Callable[[float], Deadline]:
    """Return what makes a real deadline of some seconds."""
    return lambda seconds: Deadline.after(seconds, time.monotonic)
