"""What every test may rely on: nothing of this host is seen, and an engine to play with."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from mailwatch.restarters.catalogue import RESTARTERS, USUAL

if TYPE_CHECKING:
    from tests.house import House

KEPT = frozenset({"PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "MAILWATCH_E2E", "MAILWATCH_DEB"})
KEPT_PREFIXES = ("LC_", "PYTEST", "PYTHON", "HYPOTHESIS", "COV_")
"""All of the environment that a test sees: nothing there is for mailwatch to read."""

OF_THE_HOST = (
    "/etc/mailwatch.toml",
    "/var/lib/mailwatch",
    "/run/docker.sock",
    "/var/run/docker.sock",
)
"""What a mailwatch that is installed here has, and no test may touch."""


class HostReached(RuntimeError):
    """A test has reached for what is not its own."""


class _Guard:
    """Refuses what would reach for the host's mailwatch or Docker, and remembers that it did."""

    def __init__(self) -> None:
        self.armed = False
        self.reached: list[str] = []

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if not self.armed or event not in _REACHING:
            return
        where = args[_REACHING[event]]
        if not isinstance(where, str | bytes | os.PathLike):
            return
        path = os.fsdecode(where).removeprefix("file:")
        if path.startswith(OF_THE_HOST):
            self.reached.append(f"{event} {path}")
            raise HostReached(self.reached[-1])


_REACHING = {"open": 0, "os.listdir": 0, "os.scandir": 0, "socket.connect": 1, "sqlite3.connect": 0}
"""Which argument of an audit event (sys.addaudithook) says what is reached for."""

_GUARD = _Guard()
sys.addaudithook(_GUARD)

# Many tests speak of a container, whose words its restarter brings.
RESTARTERS.load(USUAL)

# A busy machine is slow at everything, and that breaks no promise.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _nothing_of_the_host(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Hide this machine's environment, and fail a test that reaches for its mailwatch or Docker.

    End-to-end tests have machines of their own, and bring those up with the help of this one.
    """
    if request.node.get_closest_marker("e2e"):
        yield
        return
    for name in os.environ:
        if name not in KEPT and not name.startswith(KEPT_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    _GUARD.armed = True
    yield
    _GUARD.armed = False
    reached, _GUARD.reached = _GUARD.reached, []
    assert not reached, "a test has its own socket, directory and configuration"


@pytest.fixture
def without_threads() -> Callable[[], AbstractContextManager[None]]:
    """Return what lets the host allow no further thread: `with without_threads(): ...`."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    @contextmanager
    def without() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            yield

    return without


@pytest.fixture
def house() -> Iterator[House]:
    """Give a house with the default policy, and let a hung container go at the end."""
    from mailwatch.core.policy import Policy
    from tests.house import House

    built = House(Policy())
    yield built
    built.container.let_go.set()


@pytest.fixture(scope="session")
def namespace() -> list[str]:
    """Return a command that runs another one in a new, empty network namespace."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--net", "-r"]
    try:
        works = subprocess.run([*command, "true"], capture_output=True, timeout=300).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip("no network namespace can be made here: it needs root or user namespaces")
    return command
