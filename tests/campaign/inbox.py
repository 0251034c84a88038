"""The scripted inbox: Gotify's POST /message, which can be away, slow or broken."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from tests.campaign.doors import Door

TOKEN = "AbcDefGhiJklMno"


class Manner(Enum):
    """How it takes a message."""

    TAKES = auto()
    SLOW = auto()
    """Takes it, and answers `SLOW_S` later."""
    FAILS = auto()
    """Answers 503 and keeps nothing."""


SLOW_S = 0.15


@dataclass(frozen=True)
class Arrival:
    """A message that was kept; `at` is on the steady clock of this process."""

    at: float
    title: str
    body: str
    priority: int


class Inbox:
    """What the admin's phone shows; `passing` is told the point that a delivery has reached."""

    def __init__(self, passing: Callable[[str], None]) -> None:
        self.manner = Manner.TAKES
        self.arrivals: list[Arrival] = []
        self._passing = passing
        self._lock = threading.Lock()
        self.door = Door(self._answer)

    @property
    def url(self) -> str:
        """The address for [gotify] url."""
        return f"http://127.0.0.1:{self.door.port}"

    def keep(self, said: dict[str, Any]) -> int:
        """Keep a message and return its id."""
        self._passing("inbox heard")
        arrival = Arrival(time.monotonic(), said["title"], said["message"], said["priority"])
        with self._lock:
            self.arrivals.append(arrival)
            number = len(self.arrivals)
        self._passing("inbox kept")
        if self.manner is Manner.SLOW:
            time.sleep(SLOW_S)
        return number

    def _answer(self, guest: socket.socket) -> None:
        _Request(guest, ("", 0), cast("Any", self))


class _Request(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take one message."""
        inbox = cast("Inbox", self.server)
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/message" or self.headers["X-Gotify-Key"] != TOKEN:
            self._say(401, {"errorDescription": "no"})
        elif inbox.manner is Manner.FAILS:
            self._say(503, {"errorDescription": "not now"})
        else:
            self._say(200, {"id": inbox.keep(said), "appid": 1, **said})

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""
