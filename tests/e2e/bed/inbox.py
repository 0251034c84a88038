"""An inbox that speaks Gotify's POST /message, and that can be away, broken or stuck."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import wait_until

ADDRESS, PORT = "127.0.0.1", 8070
TOKEN = "AbcDefGhiJklMno"
URL = f"http://{ADDRESS}:{PORT}"
_LONGEST_BODY = 1 << 20


class Manner(Enum):
    """How the inbox takes what it is sent."""

    TAKES = auto()
    """As Gotify does: 200, with the message and its id as JSON."""
    FAILS = auto()
    """500 for everything."""
    TALKS_HTML = auto()
    """200 with a page, as a proxy's login does: it looks like success and is none."""
    HANGS = auto()
    """Reads the request and never answers."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message that the inbox accepted, and when: by the monotonic clock and since 1970."""

    id: int
    title: str
    message: str
    priority: int
    extras: dict[str, object]
    steady: float
    wall: float

    @property
    def text(self) -> str:
        """The message as a person reads it."""
        return f"{self.title}\n{self.message}"


class Inbox:
    """A server on a port of the given network namespace; it starts out away."""

    def __init__(self, network: Path) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._received: list[Received] = []
        self._refused = 0
        self._ids = itertools.count(1)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.manner = Manner.TAKES

    def come_back(self) -> None:
        """Listen again; nothing happens where it does."""
        if self._server is not None:
            return
        with inside(self._network):
            self._server = _Server((ADDRESS, PORT), _Handler)
        self._server.inbox = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def go_away(self) -> None:
        """Close the port, so that connections are refused; requests that hang are broken off."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.break_off()
        self._server.server_close()
        self._thread.join()
        self._server = None

    @property
    def messages(self) -> list[Received]:
        """What was accepted since the last clear(), in the order of arrival."""
        with self._lock:
            return list(self._received)

    @property
    def refused(self) -> int:
        """How many requests came that were not accepted, for whatever reason."""
        with self._lock:
            return self._refused

    def clear(self) -> None:
        """Forget what came so far, and take messages from now on."""
        self.manner = Manner.TAKES
        self.come_back()
        with self._lock:
            self._received.clear()
            self._refused = 0

    def wait_for(self, predicate: Callable[[Received], bool], timeout_s: float) -> Received:
        """Return the first message, already here or yet to come, that `predicate` likes."""

        def first() -> Received | None:
            return next(filter(predicate, self.messages), None)

        try:
            found = wait_until(first, timeout_s, "the message")
        except AssertionError as never:
            raise AssertionError(f"{never}; the inbox has:\n{self.told()}") from None
        assert found is not None
        return found

    def told(self) -> str:
        """Return all messages as one text, for the report of a test that fails."""
        return "\n\n".join(f"[{m.priority}] {m.text}" for m in self.messages) or "nothing"

    def _take(self, body: dict[str, object]) -> dict[str, object]:
        with self._lock:
            extras = body.get("extras")
            priority = body.get("priority")
            received = Received(
                id=next(self._ids),
                title=str(body.get("title", "")),
                message=str(body["message"]),
                priority=priority if isinstance(priority, int) else 0,
                extras=extras if isinstance(extras, dict) else {},
                steady=time.monotonic(),
                wall=time.time(),
            )
            self._received.append(received)
        return {"id": received.id, "appid": 1, **body}

    def _note_refusal(self) -> None:
        with self._lock:
            self._refused += 1


class _Server(ThreadingHTTPServer):
    """Keeps its connections, so that those that hang can be broken off."""

    daemon_threads = False
    inbox: Inbox

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()
        self.released = threading.Event()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        peer, address = super().get_request()
        self._open.add(peer)
        return peer, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            self._open.discard(request)
        super().shutdown_request(request)

    def break_off(self) -> None:
        """Let every handler come to its end."""
        self.released.set()
        for peer in list(self._open):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Gotify's REST API as far as a sender of messages uses it."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a test looks at the messages."""

    def do_GET(self) -> None:
        """Answer /health and /version, which need no token."""
        if self._misbehaved():
            return
        if self.path == "/health":
            self._answer(200, {"health": "green", "database": "green"})
        elif self.path == "/version":
            self._answer(200, {"version": "2.6.1"})
        else:
            self._error(404, "page not found")

    def do_POST(self) -> None:
        """Take a message."""
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(min(length, _LONGEST_BODY))
        if self._misbehaved():
            return
        if self.path != "/message":
            self._error(404, "page not found")
        elif self.headers.get("X-Gotify-Key") != TOKEN:
            self._error(401, "you need to provide a valid access token or user credentials")
        elif not self.headers.get("Content-Type", "").startswith("application/json"):
            self._error(400, "Field 'message' is required")
        else:
            self._take(content)

    def _take(self, content: bytes) -> None:
        try:
            body = json.loads(content)
        except ValueError as error:
            self._error(400, str(error))
            return
        text = body.get("message") if isinstance(body, dict) else None
        if isinstance(text, str) and text:
            self._answer(200, self.server.inbox._take(body))
        else:
            self._error(400, "Field 'message' is required")

    def _misbehaved(self) -> bool:
        match self.server.inbox.manner:
            case Manner.TAKES:
                return False
            case Manner.FAILS:
                self._error(500, "database is locked")
            case Manner.TALKS_HTML:
                self.server.inbox._note_refusal()
                self._send(200, "text/html", b"<!doctype html><title>Sign in</title>")
            case Manner.HANGS:
                self.server.inbox._note_refusal()
                self.close_connection = True
                self.server.released.wait()
        return True

    def _error(self, code: int, description: str) -> None:
        self.server.inbox._note_refusal()
        answer = {"error": "refused", "errorCode": code, "errorDescription": description}
        self._answer(code, answer)

    def _answer(self, code: int, body: dict[str, object]) -> None:
        self._send(code, "application/json", json.dumps(body).encode())

    def _send(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
