"""A disk that hangs or fails under the real service stops nothing and loses nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.store.views import Views

if TYPE_CHECKING:
    from tests.faults.conftest import Disk

PATIENCE_S = 120.0
CONFIG = """
[watch]
interval_s = 0.1
retries = 1
attempt_timeout_s = 5
[[services]]
name = "MAIL"
port = {port}
[restart]
socket = "{elsewhere}/no-docker.sock"
max_restarts = 0
settle_s = 0
verify_for_s = 0.1
verify_every_s = 0.1
[evidence]
enabled = false
[state]
directory = "{directory}"
"""


class Service:
    """mailwatch as a process, and its log up to now."""

    def __init__(self, disk: Disk, port: int) -> None:
        elsewhere = disk.directory.parent
        config = elsewhere / "mailwatch.toml"
        values = {"port": port, "elsewhere": elsewhere, "directory": disk.directory}
        config.write_text(CONFIG.format(**values))
        self.log: list[str] = []
        self._over = False
        self._heard = threading.Condition()
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = elsewhere / f"notify-{len(list(elsewhere.iterdir()))}"
        self._notified.bind(str(path))
        self._notified.settimeout(PATIENCE_S)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mailwatch", "run", "--config", config],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=Path(__file__).parents[2],
            env=disk.environ | {"NOTIFY_SOCKET": str(path)},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._heard:
                self.log.append(line)
                self._heard.notify_all()
        with self._heard:
            self._over = True
            self._heard.notify_all()

    def says(self, words: str) -> None:
        """Wait until a line of the log has `words`."""
        with self._heard:
            self._heard.wait_for(lambda: self._over or self._has_said(words), PATIENCE_S)
            said = self._has_said(words)
        assert said, f"{words!r} is not in: {''.join(self.log)}"

    def _has_said(self, words: str) -> bool:
        return any(words in line for line in self.log)

    def is_ready(self) -> None:
        """Wait for READY=1, see sd_notify(3)."""
        while b"READY=1" not in self._notified.recv(65536):
            pass

    def ends(self, number: signal.Signals) -> int:
        """Send the signal, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def close(self) -> None:
        """End it, however far it is."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._notified.close()


@contextmanager
def mail() -> Iterator[socket.socket]:
    """Listen on a port that a service is watched on; closed, it fails."""
    listener = socket.create_server(("127.0.0.1", 0))
    with closing(listener):
        yield listener


@pytest.mark.parametrize("fault", ["hangs", "eio"])
def test_a_disk_that_goes_bad_holds_up_no_incident(disk: Disk, fault: str) -> None:
    """The incident opens and is told; a killed service goes on with it, and no second one opens.

    The next process starts while the disk is still bad, and the disk has all when it is well.
    """
    with mail() as listener:
        port = listener.getsockname()[1]
        with closing(Service(disk, port)) as service:
            service.says("all well at the first check")
            disk.becomes(fault)
            listener.close()
            service.says("needs a person")
            assert (disk.runtime / "memory.json").exists()
            service.ends(signal.SIGKILL)
        with closing(Service(disk, port)) as service:
            service.is_ready()
            service.says("goes on from the copy")
            service.says("fails: ")
            assert not any("needs a person" in line for line in service.log)
            disk.becomes("well")
            service.says("answers again, and nothing was lost" if fault == "hangs" else "written")
            assert service.ends(signal.SIGTERM) == 0
        assert not (disk.runtime / "memory.json").exists()
    (incident,) = Views(disk.directory).incidents(9)
    assert incident.closed is None


def test_a_start_with_a_disk_that_hangs_watches_from_memory(disk: Disk) -> None:
    """READY comes, an incident is told, and SIGTERM is heard."""
    disk.becomes("hangs")
    with mail() as listener, closing(Service(disk, listener.getsockname()[1])) as service:
        service.is_ready()
        service.says("does not answer")
        service.says("all well at the first check")
        listener.close()
        service.says("needs a person")
        assert service.ends(signal.SIGTERM) == 0


def test_a_second_service_ends_once_the_disk_tells_of_the_first(disk: Disk) -> None:
    """Two on one directory are refused as ever, though the lock is taken off the loop."""
    with mail() as listener:
        port = listener.getsockname()[1]
        with closing(Service(disk, port)) as first:
            first.says("all well at the first check")
            with closing(Service(disk, port)) as second:
                assert second.process.wait(PATIENCE_S) != 0
                second.says("Another mailwatch is running on")
