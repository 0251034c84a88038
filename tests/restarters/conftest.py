"""A Docker engine on a real Unix socket that does what a test's script says, however rude."""

from __future__ import annotations

import json
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.events import Action, Restart, RestartEnded
from mailwatch.core.facts import words
from mailwatch.core.incident import step
from mailwatch.core.model import Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.observation import bad_news
from mailwatch.core.policy import Policy
from mailwatch.core.state import Reason, State
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings

Within = Callable[[float], Deadline]

STARTED = "2026-03-01T10:00:00.123456789Z"
STARTED_AGAIN = "2026-03-01T11:00:00.987654321Z"
FINISHED = "2026-03-01T10:30:00.5Z"
NEVER = "0001-01-01T00:00:00Z"
IDENTITY = "0123456789abcdef" * 4


def a_container(**state: object) -> dict[str, Any]:
    """Return an inspection of `stalwart`, running, with parts of its `State` replaced."""
    return {
        "Id": IDENTITY,
        "Name": "/stalwart",
        "RestartCount": 0,
        "HostConfig": {"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}},
        "State": {
            "Status": "running",
            "Running": True,
            "OOMKilled": False,
            "Error": "",
            "ExitCode": 0,
            "StartedAt": STARTED,
            "FinishedAt": NEVER,
        }
        | state,
    }


def _verb(path: str) -> str:
    whole = urlsplit(path).path
    return "list" if whole.endswith("/containers/json") else whole.rpartition("/")[2]


class Request(BaseHTTPRequestHandler):
    """One request to the scripted engine."""

    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def verb(self) -> str:
        """The last part of the path: `json`, `restart`, `events`..., and `list` for all of them."""
        return _verb(self.path)

    @property
    def query(self) -> dict[str, list[str]]:
        """What stands behind the question mark."""
        return parse_qs(urlsplit(self.path).query)

    def reply(self, status: int, body: object = None) -> None:
        """Answer with JSON, or with nothing."""
        raw = b"" if body is None else json.dumps(body).encode()
        self.reply_raw(status, raw)

    def reply_raw(self, status: int, raw: bytes) -> None:
        """Answer with these bytes."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def reply_chunks(self, chunks: list[bytes]) -> None:
        """Answer as a stream that ends, as the engine's events do."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in [*chunks, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.server.engine.over.wait()
        self.close_connection = True

    def drip(self) -> None:
        """Send a byte of a header that never ends, ten times a second, until the test is over."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.server.engine.over.wait(0.1):
            self.wfile.write(b"x")
        self.close_connection = True

    def drop(self) -> None:
        """Close the connection without a word."""
        self.close_connection = True

    def address_string(self) -> str:
        """A Unix socket's peer has no address."""
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        """Say nothing on the terminal."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        engine = self.server.engine
        engine.seen.append((self.command, self.path))
        try:
            engine.script.get(self.verb, engine.plainly)(self)
        except OSError:
            self.close_connection = True

    do_GET = do_POST = _serve  # noqa: N815  # the names that the base class calls


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False
    engine: Engine

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        self.engine.connections.append(connection)
        return connection, peer


Step = Callable[[Request], None]


class Engine:
    """One container, kept in `container`; `script` maps a verb to what happens instead."""

    started = STARTED
    started_again = STARTED_AGAIN
    finished = FINISHED
    never = NEVER
    identity = IDENTITY

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "docker.sock")
        self.container: dict[str, Any] | None = a_container()
        self.names = ["stalwart", "webmail"]
        self.others: list[dict[str, Any]] = []
        """What a list of all containers shows beside these."""
        self.events: list[dict[str, Any]] = []
        self.script: dict[str, Step] = {}
        self.seen: list[tuple[str, str]] = []
        self.over = threading.Event()
        self.connections: list[socket.socket] = []
        self._server: _Server | None = None

    def start(self) -> None:
        """Bind the socket and answer."""
        self._server = _Server(self.path, cast(type[BaseHTTPRequestHandler], Request))
        self._server.engine = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,)).start()

    def stop(self) -> None:
        """Close the socket and remove it, as dockerd does; connections in use are cut off."""
        self.over.set()
        if self._server is not None:
            self._server.shutdown()
            for connection in self.connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.connections.clear()
            self._server.server_close()
            self._server = None
            Path(self.path).unlink(missing_ok=True)

    def asked(self, verb: str) -> list[str]:
        """Return the paths of the requests with this `verb`."""
        return [path for _, path in self.seen if _verb(path) == verb]

    def plainly(self, request: Request) -> None:
        """Answer as an engine does."""
        path = urlsplit(request.path).path
        if path == "/version":
            request.reply(200, {"ApiVersion": "1.44", "MinAPIVersion": "1.24"})
        elif request.verb == "list":
            others = [{"Id": "x", "Names": [f"/{name}"]} for name in self.names]
            request.reply(200, others + self.others)
        elif request.verb == "events":
            request.reply_chunks([json.dumps(event).encode() + b"\n" for event in self.events])
        elif self.container is None:
            request.reply(404, {"message": "No such container: stalwart"})
        elif request.verb == "json":
            request.reply(200, self.container)
        elif request.verb in ("restart", "start"):
            self.comes_up()
            request.reply(204)
        else:
            request.reply(400, {"message": f"not scripted: {path}"})

    def comes_up(self) -> None:
        """Let the container run, newly started."""
        assert self.container is not None
        self.container["State"] = a_container(StartedAt=STARTED_AGAIN)["State"]

    def goes_down(self, **state: object) -> None:
        """Let the container have ended."""
        assert self.container is not None
        ended = {"Status": "exited", "Running": False, "FinishedAt": FINISHED, "ExitCode": 137}
        self.container["State"] |= ended | state

    def stopped_by_hand(self) -> None:
        """Let somebody have said `docker stop`, with the kill after its timeout."""
        self.goes_down()
        self.events = [
            {"Action": "kill", "Actor": {"Attributes": {"signal": "15"}}},
            {"Action": "kill", "Actor": {"Attributes": {"signal": "9"}}},
            {"Action": "die", "Actor": {"Attributes": {"exitCode": "137"}}},
            {"Action": "stop"},
        ]


@pytest.fixture
def directory() -> Iterator[Path]:
    """Return a directory whose name is short enough for a Unix socket."""
    made = tempfile.mkdtemp(prefix="mw-")
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture
def engine(directory: Path) -> Iterator[Engine]:
    """Return a scripted engine that listens."""
    scripted = Engine(directory)
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.fixture
def within() -> Within:
    """Return what makes a real deadline of some seconds."""
    return lambda seconds: Deadline.after(seconds, time.monotonic)


@pytest.fixture
def restarter(engine: Engine) -> Iterator[DockerRestarter]:
    """Return a restarter for the scripted engine's container."""
    made = DockerRestarter(Settings(socket=engine.path, stop_timeout_s=1))
    yield made
    made.close()


class Watch:
    """The incident machine around a restarter, which knows its own work from an operator's."""

    policy = Policy(backoff_s=0, restart_limit_s=60)

    def __init__(self, restarter: DockerRestarter, within: Within) -> None:
        self._restarter = restarter
        self._within = within
        self._state = State()
        self._now = Now(1000.0, 1772360990.0)
        """Ten seconds before the engine's container ends."""

    def _looks(self) -> tuple[State, tuple[Action, ...]]:
        target = self._restarter.inspect(self._within(30))
        silent = Reading("SMTP:25", Verdict.FAIL, Fault.SILENT, words("silent"))
        return step(self._state, bad_news([silent], target, None), self._now, self.policy)

    def restarts(self, within_s: float = 30) -> RestartError | None:
        """Look, restart what is to be restarted, and return what went wrong."""
        self._state, actions = self._looks()
        (order,) = [action for action in actions if isinstance(action, Restart)]
        self._now = Now(self._now.steady + 5, self._now.wall + 5)
        try:
            self._restarter.restart(self._within(within_s), order.target)
        except RestartError as error:
            ended = RestartEnded(error.detail, error.intervened, error.left)
            self._state, _ = step(self._state, ended, self._now, self.policy)
            return error
        self._state, _ = step(self._state, RestartEnded(), self._now, self.policy)
        return None

    def judges(self) -> TargetState | Reason:
        """Look, and return what would be restarted, or why nothing would."""
        after, actions = self._looks()
        for action in actions:
            if isinstance(action, Restart):
                return action.target
        assert after.incident is not None
        assert after.incident.hold is not None
        return after.incident.hold.reason


@pytest.fixture
def watch(restarter: DockerRestarter, within: Within) -> Watch:
    """Return the incident machine around the restarter."""
    return Watch(restarter, within)


@pytest.fixture
def ended_process() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine's answer to a restart be waited for a second, and what follows for less."""
    monkeypatch.setattr("mailwatch.restarters.docker.START_S", 0.1)
    monkeypatch.setattr("mailwatch.restarters.docker.SETTLE_S", 1)
    monkeypatch.setattr("mailwatch.restarters.docker.LOOK_AGAIN_S", 0.1)
