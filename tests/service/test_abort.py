"""The traceback that the watchdog's SIGABRT leaves, from a real process of the service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 120.0
CONFIG = """
[watch]
interval_s = 0.1
retries = 1
attempt_timeout_s = 1
[[services]]
name = "nobody listens"
port = {port}
[restart]
socket = "{directory}/no-docker.sock"
max_restarts = 0
settle_s = 0
verify_for_s = 0.1
verify_every_s = 0.1
[state]
directory = "{directory}"
"""


@contextmanager
def _ended(service: subprocess.Popen[str]) -> Iterator[None]:
    """Leave none behind for which a test that fails, with it stopped perhaps, waits for ever."""
    try:
        yield
    finally:
        service.kill()


def _read_until_an_incident(service: subprocess.Popen[str]) -> None:
    """Return once the log tells of one: a failed round has started every kind of thread.

    One that needs a person at once never opens. The process is ended where that takes too long,
    and its log with it.
    """
    assert service.stdout is not None
    impatience = threading.Timer(PATIENCE_S, service.kill)
    impatience.start()
    try:
        told = any("incident " in line for line in service.stdout)
        assert told, "its log ended without an incident"
    finally:
        impatience.cancel()


@pytest.mark.parametrize("stopped", [False, True])
def test_sigabrt_is_taken_by_the_main_thread(tmp_path: Path, stopped: bool) -> None:
    """Stopped or not, the main thread writes the traceback, so that its own part is whole."""
    config = tmp_path / "mailwatch.toml"
    config.write_text(CONFIG.format(port=1, directory=tmp_path))
    with (
        subprocess.Popen(
            [sys.executable, "-m", "mailwatch", "run", "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "HOST": "127.0.0.1"},
            cwd=Path(__file__).resolve().parents[1],
        ) as service,
        _ended(service),
    ):
        _read_until_an_incident(service)
        if stopped:
            service.send_signal(signal.SIGSTOP)
            until = time.monotonic() + PATIENCE_S
            while Path(f"/proc/{service.pid}/stat").read_text().rsplit(") ", 1)[1][0] != "T":
                assert time.monotonic() < until
        service.send_signal(signal.SIGABRT)
        if stopped:
            service.send_signal(signal.SIGCONT)
        _, traceback = service.communicate(timeout=PATIENCE_S)
    assert service.returncode == -signal.SIGABRT
    current = traceback.partition("Current thread")[2]
    assert "mailwatch/service/daemon.py" in current, traceback
