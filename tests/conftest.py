"""What every test may rely on: no variable that mailwatch reads, and an engine to play with."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.house import House

READ_BY_MAILWATCH = (
    "GOTIFY_URL",
    "GOTIFY_TOKEN",
    "GOTIFY_PRIORITY",
    "HOST",
    "SERVICES",
    "RETRIES",
    "PER_ATTEMPT_TIMEOUT",
    "SLEEP_BETWEEN_ATTEMPTS",
    "CHECK_INTERVAL_SECONDS",
    "CONTAINER_NAME",
    "DOCKER_SOCKET",
    "POST_RESTART_WAIT",
    "POST_RESTART_PER_ATTEMPT_TIMEOUT",
    "POST_RESTART_FINAL_TIMEOUT",
    "POST_RESTART_POLL_INTERVAL",
    "STATE_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "MAILWATCH_BOOT_ID",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "JOURNAL_STREAM",
)

# A busy machine is slow at everything, and that breaks no promise.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in READ_BY_MAILWATCH:
        if name in os.environ:
            monkeypatch.delenv(name)


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
