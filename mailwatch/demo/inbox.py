"""An inbox on loopback that speaks the part of Gotify's API that sending a message needs."""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

from mailwatch.host import threads

LONGEST_MESSAGE = 64 * 1024
"""Bytes of one request's body."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it arrived; `at` is on the steady clock."""

    at: float
    title: str
    body: str
    priority: int


class Inbox(socketserver.ThreadingTCPServer):
    """Takes messages for one application; `on_arrival` is called in the thread of the request."""

    daemon_threads = True
    # Not http.server's HTTPServer: that one asks the resolver for the name of 127.0.0.1.

    def __init__(self, on_arrival: Callable[[Arrival], None]) -> None:
        self.on_arrival = on_arrival
        self.token = "A" + secrets.token_urlsafe(11)
        self.last_arrival = 0.0
        """When the newest message arrived, on the steady clock."""
        self._last_id = 0
        self._counting = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Request)
        self._thread = threads.start(lambda: self.serve_forever(0.02), "inbox")

    @property
    def url(self) -> str:
        """The address for [gotify] url."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_id(self) -> int:
        """Return the id of one more message."""
        with self._counting:
            self._last_id += 1
            return self._last_id

    def close(self) -> None:
        """Take no more messages."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever broke off the request knows."""


class _Request(BaseHTTPRequestHandler):
    server: Inbox
    timeout = 10

    def do_GET(self) -> None:
        """Answer `/health` and `/version`, which need no token."""
        if self.path == "/health":
            self._answer(200, {"health": "green", "database": "green"})
        elif self.path == "/version":
            self._answer(200, {"version": "2.6.3", "commit": "", "buildDate": ""})
        else:
            self._refuse(404, "page not found")

    def do_POST(self) -> None:
        """Take a message (POST /message)."""
        arrived = time.monotonic()
        if self.path.partition("?")[0] != "/message":
            self._refuse(404, "page not found")
            return
        given = self.headers.get("X-Gotify-Key", "")
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            self._refuse(401, "you need to provide a valid access token")
            return
        message = self._message(arrived)
        if message is None:
            self._refuse(400, "a JSON object with a message of text is needed")
            return
        self.server.last_arrival = arrived
        self.server.on_arrival(message)
        said = {"title": message.title, "message": message.body, "priority": message.priority}
        date = datetime.now(UTC).isoformat()
        self._answer(200, {"id": self.server.next_id(), "appid": 1, **said, "date": date})

    def _message(self, arrived: float) -> Arrival | None:
        try:
            length = int(self.headers.get("Content-Length", ""))
            if not 0 < length <= LONGEST_MESSAGE:
                return None
            said = json.loads(self.rfile.read(length))
        except ValueError:
            return None
        if not isinstance(said, dict) or not isinstance(said.get("message"), str):
            return None
        title, priority = said.get("title"), said.get("priority")
        if not said["message"]:
            return None
        return Arrival(
            arrived,
            title if isinstance(title, str) else "",
            said["message"],
            priority if isinstance(priority, int) else 0,
        )

    def _refuse(self, status: int, why: str) -> None:
        self._answer(status, {"error": "refused", "errorCode": status, "errorDescription": why})

    def _answer(self, status: int, said: dict[str, object]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Log nothing: the timeline shows what arrives."""
