"""What every test may rely on: an environment without a variable that mailwatch reads."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

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
