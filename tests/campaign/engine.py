"""The scripted Docker engine: one container behind a Unix socket, for the real SDK to ask."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from tests.campaign.doors import Door

NAME = "stalwart"
IDENTITY = "0123456789abcdef" * 4
STOPPING_S = 0.02
NEVER = "0001-01-01T00:00:00Z"


@dataclass
class Order:
    """One restart that was asked for; moments are on the steady clock of this process."""

    at: float
    stopped_by_operator: bool
    at_once: bool
    """Another one was being carried out."""
    done: float | None = None


class Engine:
    """One container. `up` and `down` are called as it starts and ends."""

    def __init__(
        self,
        path: Path,
        passing: Callable[[str], None],
        up: Callable[[], None],
        down: Callable[[], None],
    ) -> None:
        self._passing, self._up, self._down = passing, up, down
        self._lock = threading.RLock()
        self._busy = 0
        self.status = "running"
        self.started = self.finished = 0.0
        self.events: list[dict[str, Any]] = []
        self.orders: list[Order] = []
        self.stopped_by_operator = False
        self.hangs = threading.Event()
        self.freed = threading.Event()
        self.freed.set()
        self.gives_up_with_its_caller = False
        self.door = Door(self._answer, path)
        self.start()

    @property
    def is_busy(self) -> bool:
        """Whether a restart is being carried out."""
        return self._busy > 0

    # --- what happens to the container -------------------------------------------------------

    def start(self) -> None:
        """Let the container run, newly started."""
        with self._lock:
            self.status, self.started = "running", time.time()
            self.stopped_by_operator = False
            self._note("start")
        self._up()

    def end(self, ordered: bool = True) -> None:
        """Let the container end, with the events of an order or as a crash."""
        with self._lock:
            self.status, self.finished = "exited", time.time()
            for action in ("kill", "die", "stop") if ordered else ("die",):
                self._note(action)
        self._down()

    def operator_stops(self) -> None:
        """Do as `docker stop` does."""
        self.stopped_by_operator = True
        self.end()

    def reboot(self) -> None:
        """Begin anew, with the container started by its restart policy unless it was stopped."""
        with self._lock:
            self.events.clear()
            was_running = self.status == "running"
        if was_running:
            self.end()
            self.events.clear()
            self.start()

    def hang(self) -> None:
        """Answer nothing until free() is called."""
        self.freed.clear()
        self.hangs.set()

    def free(self) -> None:
        """Answer again; what was asked while it hung is forgotten."""
        self.hangs.clear()
        self.freed.set()

    def restart(self, guest: socket.socket) -> bool:
        """Carry a restart out; False where the engine gave up with its caller."""
        with self._lock:
            order = Order(time.monotonic(), self.stopped_by_operator, self._busy > 0)
            self.orders.append(order)
            self._busy += 1
        try:
            self._passing("engine asked")
            if self.status == "running":
                self.end()
            time.sleep(STOPPING_S)
            self._passing("engine stopped it")
            if self.gives_up_with_its_caller and _has_gone(guest):
                return False
            order.done = time.monotonic()
            self.start()
            self._passing("engine started it")
            return True
        finally:
            with self._lock:
                self._busy -= 1

    # --- what it says -----------------------------------------------------------------------

    def inspection(self) -> dict[str, Any]:
        """Return what `docker inspect` shows."""
        running = self.status == "running"
        return {
            "Id": IDENTITY,
            "Name": f"/{NAME}",
            "RestartCount": 0,
            "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
            "State": {
                "Status": self.status,
                "Running": running,
                "OOMKilled": False,
                "Error": "",
                "ExitCode": 0 if running else 143,
                "StartedAt": _stamp(self.started),
                "FinishedAt": _stamp(self.finished) if self.finished else NEVER,
            },
        }

    def _note(self, action: str) -> None:
        actor = {"ID": IDENTITY, "Attributes": {"name": NAME, "signal": "15"}}
        self.events.append(
            {"Type": "container", "Action": action, "Actor": actor, "time": int(time.time())}
        )

    def _answer(self, guest: socket.socket) -> None:
        _Request(guest, ("", 0), cast("Any", self))


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        engine = cast("Engine", self.server)
        path = urlsplit(self.path).path
        if engine.hangs.is_set():
            engine.freed.wait()
            self.close_connection = True
        elif path == "/version":
            self._say(200, {"Version": "26.1", "ApiVersion": "1.44", "MinAPIVersion": "1.24"})
        elif path.endswith("/containers/json"):
            self._say(200, [{"Id": IDENTITY, "Names": [f"/{NAME}"]}])
        elif path.endswith("/events"):
            self._say_raw(200, b"".join(json.dumps(e).encode() + b"\n" for e in engine.events))
        elif path.endswith("/json"):
            self._say(200, engine.inspection())
        elif path.endswith("/restart"):
            done = engine.restart(self.connection)
            self._say(204 if done else 500, None if done else {"message": "cancelled"})
        elif path.endswith("/start"):
            if engine.status != "running":
                engine.start()
            self._say(204)
        else:
            self._say(400, {"message": f"not scripted: {path}"})

    do_GET = do_POST = _serve  # noqa: N815  # the names that the base class calls

    def _say(self, status: int, answer: object = None) -> None:
        self._say_raw(status, b"" if answer is None else json.dumps(answer).encode())

    def _say_raw(self, status: int, raw: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Say nothing."""


def _has_gone(guest: socket.socket) -> bool:
    readable, _, _ = select.select([guest], [], [], 0)
    return bool(readable) and guest.recv(1, socket.MSG_PEEK) == b""


def _stamp(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
