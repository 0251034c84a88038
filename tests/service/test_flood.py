"""A real process of the service, asked by `mailwatch status` while others mean it no good."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from mailwatch.cli.ask import ask
from mailwatch.service.control import MOST_CLIENTS, NAME

PATIENCE_S = 60.0
CONFIG = """
[watch]
interval_s = 0.1
retries = 1
attempt_timeout_s = 5
[[services]]
name = "nothing"
probe = "tcp"
port = {port}
[restart]
socket = "{directory}/no-docker.sock"
max_restarts = 0
[state]
directory = "{directory}"
"""


@pytest.fixture
def answering() -> Iterator[int]:
    """Give a port at which something listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()

        Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


class Running:
    """A service, and what asks it."""

    def __init__(self, directory: Path, port: int) -> None:
        config = directory / "mailwatch.toml"
        config.write_text(CONFIG.format(port=port, directory=directory))
        self.path = directory / NAME
        self._env = {"PATH": os.environ["PATH"], "RUNTIME_DIRECTORY": str(directory)}
        self.process = subprocess.Popen(
            [*self._command("run"), "--config", str(config)],
            env=self._env,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    @staticmethod
    def _command(*words: str) -> list[str]:
        return [sys.executable, "-m", "mailwatch", *words]

    def status(self) -> subprocess.CompletedProcess[str]:
        """Run `mailwatch status`."""
        return subprocess.run(
            self._command("status"),
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )


def last_round() -> float:
    """Return when the last round ended, 0 before the first."""
    return ask("status")["last_round"] or 0.0


@pytest.fixture
def running(tmp_path: Path, answering: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Give a service that has checked once."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    service = Running(tmp_path, answering)
    try:
        until = time.monotonic() + PATIENCE_S
        while not (service.path.exists() and last_round()):
            assert service.process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield service
    finally:
        service.process.kill()
        service.process.wait()


def _nothing(_: socket.socket) -> None:
    pass


def _half(sock: socket.socket) -> None:
    sock.sendall(b'{"ask": "sta')


def _megabyte(sock: socket.socket) -> None:
    sock.sendall(b"x" * 1_000_000)


def test_no_flood_keeps_status_from_its_answer(running: Running) -> None:
    """Three hold as many connections as they can, and open a new one for each that is ended."""
    enough = Event()
    opened = [0]

    def flood(speak: Callable[[socket.socket], None]) -> None:
        held: list[socket.socket] = []
        while not enough.is_set():
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(1.0)
            with suppress(OSError):  # a full backlog, or ended before all was said
                sock.connect(str(running.path))
                opened[0] += 1
                speak(sock)
            held.append(sock)
            for old in held[: -4 * MOST_CLIENTS]:
                old.close()
            del held[: -4 * MOST_CLIENTS]
        for sock in held:
            sock.close()

    floods = [Thread(target=flood, args=(one,)) for one in (_nothing, _half, _megabyte)]
    for one in floods:
        one.start()
    try:
        before = last_round()
        told = [running.status() for _ in range(2)]
        after = last_round()
    finally:
        enough.set()
        for one in floods:
            one.join()
    assert opened[0] > 4 * MOST_CLIENTS
    assert [one.stdout for one in told if not one.stdout.startswith("All is well.")] == []
    assert 0 < before < after, "it goes on watching"


def test_a_stopped_service_ends_status_in_a_sentence(running: Running) -> None:
    """Whether there is a place in its backlog or not."""
    running.process.send_signal(signal.SIGSTOP)
    held = []
    for _ in range(2):
        shown = running.status()
        assert (shown.returncode, shown.stderr) == (3, "")
        assert shown.stdout.startswith("mailwatch has not answered for 2 s")
        with suppress(BlockingIOError):
            while True:
                held.append(socket.socket(socket.AF_UNIX))
                held[-1].setblocking(False)
                held[-1].connect(str(running.path))
    for sock in held:
        sock.close()
