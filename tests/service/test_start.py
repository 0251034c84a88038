"""What the service loads before anything has happened."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "docker",
    "requests",
    "http.client",
    "urllib.request",
    "tempfile",
    "tomli_w",
    "email.utils",
)


def test_an_idle_service_has_loaded_nothing_that_only_an_outage_needs() -> None:
    """The SDK, the HTTP client and the like come with the first outage: READY is sooner, and
    mail that flows costs 3 MiB less."""
    code = f"import sys, mailwatch.cli.run; print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
