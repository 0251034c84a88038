"""An inbox on loopback that speaks the part of Gotify's API that sending a message needs."""

from __future__ import annotations

import hmac
import json
import secrets
import socketserver
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from mailwatch.host import threads

LONGEST_MESSAGE = 64 * 1024
"""Bytes of one request's body."""


class Inbox(socketserver.ThreadingTCPServer):
    """Takes messages for one application, and tells `arrived` of them: title, text and priority.

    It is told in the thread of the request. Raises OSError where there is no port.
    """

    daemon_threads = True
    # Not http.server's HTTPServer: that one asks the resolver for the name of 127.0.0.1.

    def __init__(self, arrived: Callable[[str, str, int], None]) -> None:
        self.arrived = arrived
        self.token = "A" + secrets.token_urlsafe(11)
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        """The address for [gotify] url."""
        self._thread = threads.start(lambda: self.serve_forever(0.02), "inbox")

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

    def do_POST(self) -> None:
        """Take a message (POST /message)."""
        given = self.headers.get("X-Gotify-Key", "")
        if not hmac.compare_digest(given.encode(), self.server.token.encode()):
            self.send_error(401)
            return
        try:
            length = min(int(self.headers["Content-Length"]), LONGEST_MESSAGE)
            said = json.loads(self.rfile.read(length))
            message = str(said["title"]), str(said["message"]), int(said["priority"])
        except (ValueError, TypeError, KeyError):
            self.send_error(400)
            return
        self.server.arrived(*message)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"id": 1}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Log nothing: what arrives is shown."""
