"""The Docker restarter as a whole: what it loads, keeps open, and may take."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.facts import fact
from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Within

GENEROUS_S = 120


def test_the_sdk_is_not_there(monkeypatch: pytest.MonkeyPatch, within: Within) -> None:
    """Without python3-docker the state is unknown and the package to install is named."""
    monkeypatch.delitem(sys.modules, "mailwatch.docker.transport", raising=False)
    monkeypatch.setitem(sys.modules, "docker", None)
    restarter = DockerRestarter(Settings())
    found = restarter.inspect(within(30))
    assert found.condition is Condition.UNREACHABLE
    assert "install python3-docker" in say(found.detail)
    with pytest.raises(RestartError, match="python3-docker"):
        restarter.restart(within(30))


def test_importing_is_lazy() -> None:
    """Reading the restarters does not import the SDK: 12 MiB for those who never restart."""
    program = (
        "import sys, mailwatch.restarters;"
        "sys.exit(any(name in sys.modules for name in ('docker', 'requests', 'urllib3')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)


def test_no_thread_and_no_descriptor_is_left(engine: Engine, within: Within) -> None:
    """After any outcome, closing gives everything back; faults cost no descriptor each."""

    def mine() -> int:
        return sum(
            1 for name in os.listdir("/proc/self/fd") if engine.path in (peer_of(int(name)) or "")
        )

    restarter = DockerRestarter(Settings(socket=engine.path))
    engine.script["json"] = lambda request: request.drop()
    threads = threading.active_count()
    for _ in range(20):
        restarter.inspect(within(30))
    assert mine() == 0
    del engine.script["json"]
    restarter.inspect(within(30))
    assert mine() == 1
    restarter.close()
    assert mine() == 0
    # The engine's own threads, one for each connection, end in their time.
    until = time.monotonic() + GENEROUS_S
    while threading.active_count() > threads + 1:
        assert time.monotonic() < until
        time.sleep(0.01)


def peer_of(descriptor: int) -> str | None:
    """Return the path of the Unix socket at the other end of `descriptor`."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            name = copy.getpeername()
            return name if isinstance(name, str) else None
    except OSError:
        return None


def test_it_is_described_without_an_engine() -> None:
    """Its kind and name are what is kept and compared; the words are its own."""
    described = DockerRestarter(Settings("mail")).describe()
    assert described.target.key == "docker:mail"
    assert described.look == "docker logs --since 30m mail"
    assert say(fact("target-docker", name="mail")) == "container mail"


def test_the_longest_restart() -> None:
    """What the caller must allow: stopping, starting, and finding out what became of it."""
    assert Settings(stop_timeout_s=30).longest_restart_s == 60
