"""The daemon as a process of its own, without systemd or Docker; e2e tests it with both."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailwatch.core.facts import fact
from mailwatch.core.model import Condition, Now, TargetState
from mailwatch.core.state import Hold, Reason
from mailwatch.host.clocks import clock_text
from mailwatch.restarters import docker_doctor
from mailwatch.service.standing import Standing
from mailwatch.store.views import StoreError
from tests.store.window import look

PATIENCE_S = 180.0


class Manager:
    """What systemd would be to the service: the socket at which it hears of it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(PATIENCE_S)

    def hear(self, wanted: str) -> list[str]:
        """Wait for a notification with the field `wanted`, and return all of its fields."""
        while wanted not in (fields := self._socket.recv(4096).decode().split("\n")):
            pass
        return fields

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


@contextmanager
def service(
    directory: Path, manager: Manager, environ: dict[str, str], **settings: object
) -> Iterator[subprocess.Popen[bytes]]:
    """Run mailwatch for a port that refuses, and a Docker that is not there."""
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # and does not listen: the port stays ours, and refuses
    chosen = {
        "services": f"SMTP:{closed.getsockname()[1]}",
        "restart.socket": directory / "no-docker.sock",
        "state.directory": directory,
        "evidence.enabled": "false",
        **settings,
    }
    config = directory / "mailwatch.toml"
    config.touch()
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "mailwatch", "run", "--config", str(config)),
            *(part for key, value in chosen.items() for part in ("--set", f"{key}={value}")),
        ],
        env={**os.environ, "NOTIFY_SOCKET": str(manager.path), **environ},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        closed.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Give a manager that listens."""
    listening = Manager(tmp_path)
    yield listening
    listening.close()


def test_the_watchdog_is_fed_between_attempts_that_are_far_apart(
    tmp_path: Path, manager: Manager
) -> None:
    """With SLEEP_BETWEEN_ATTEMPTS longer than WatchdogSec, the service is not killed for it."""
    patient = {"watch.attempt_timeout_s": 0.1, "restart.attempt_timeout_s": 0.1}
    environ = {"WATCHDOG_USEC": "400000"}
    with service(tmp_path, manager, environ, **patient, **{"watch.retry_delay_s": 3600}) as process:
        manager.hear("READY=1")
        for _ in range(12):
            manager.hear("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        manager.hear("STOPPING=1")
        assert process.wait(PATIENCE_S) == 0


def _hold(directory: Path, wanted: Hold) -> Hold | None:
    """Return why the service restarts nothing, once that is `wanted`, else what it was last.

    On a slow machine a first round may have found something else.
    """
    patience = time.monotonic() + PATIENCE_S
    hold = None
    while hold != wanted and time.monotonic() < patience:
        with suppress(StoreError):
            incident = look(directory).incident
            hold = None if incident is None else incident.hold
        time.sleep(0.02)
    return hold


def test_a_service_that_never_passed_is_known_as_that(tmp_path: Path, manager: Manager) -> None:
    """The daemon tells its engine how each service is asked, so that ours is not the server's."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk_nonsense() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as peer:
                        peer.sendall(b"hello\r\n")

        threading.Thread(target=talk_nonsense, daemon=True).start()
        key = f"SMTP:{server.getsockname()[1]}"
        often = {"watch.retries": 1, "watch.interval_s": 1, "restart.verify_every_s": 1}
        with service(tmp_path, manager, {}, services=key, **often):
            wanted = Hold(Reason.UNPROVEN, services=(key,), of="docker:stalwart")
            assert _hold(tmp_path, wanted) == wanted
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def live_in() -> Iterator[Callable[[str], None]]:
    """Give what moves this process to another time zone until the test is over."""
    with pytest.MonkeyPatch.context() as patch:

        def move(zone: str) -> None:
            patch.setenv("TZ", zone)
            time.tzset()

        yield move
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC0", "CET-1", "EST5"])
def test_any_moment_that_a_certificate_can_name_is_told(
    live_in: Callable[[str], None], zone: str
) -> None:
    """A certificate that expires at either end of the calendar does not end the service."""
    live_in(zone)
    assert clock_text(-62135596800.0).endswith("00")
    assert clock_text(253402300799.0).startswith("9999-12-31 ")


def test_a_moment_is_told_as_local_time(live_in: Callable[[str], None]) -> None:
    """The admin reads the time of the clock on the wall."""
    live_in("CET-1")
    assert clock_text(1_700_000_000.0) == "2023-11-14 23:13:20"


def test_what_somebody_stopped_is_told_by_the_same_clock(live_in: Callable[[str], None]) -> None:
    """Status and doctor tell all else by it, and one message names one time zone."""
    live_in("CET-1")
    told = fact("container-stopped", name="mail", ended_at=1_700_000_000.0)
    gone, standing = TargetState(Condition.MISSING, told), Standing()
    standing.looked(gone, Now(0.0, 0.0))
    for said in (docker_doctor.container("mail", gone).sentence, standing._able()["detail"]):
        assert said.startswith("Somebody stopped mail at 2023-11-14 23:13:20: ")
