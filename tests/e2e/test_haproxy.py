"""A real HAProxy before every mail server: with the PROXY header that it expects, and without."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.mail import NAME, PROXIED, Mail
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

SERVER_SPEAKS_FIRST = {
    "SMTP": 25, "SUBMISSION": 587, "IMAP": 143, "POP3": 110, "SIEVE": 4190, "LMTP": 24,
}  # fmt: skip
"""All of these offer STARTTLS."""
CLIENT_SPEAKS_FIRST = {"SMTPS": 465, "IMAPS": 993, "POP3S": 995, "HTTP": 80, "HTTPS": 443}
PORTS = SERVER_SPEAKS_FIRST | CLIENT_SPEAKS_FIRST


@pytest.fixture
def address(mail: Mail, engine: Engine) -> Iterator[str]:
    """The container's own address, at which HAProxy listens as long as the test runs."""
    pid = "/run/haproxy.pid"
    # As a daemon it returns once it listens.
    engine.docker("exec", NAME, "haproxy", "-D", "-p", pid, "-f", "/etc/haproxy/haproxy.cfg")
    yield engine.docker("inspect", "--format={{.NetworkSettings.IPAddress}}", NAME)
    engine.docker("exec", NAME, "sh", "-c", f"kill $(cat {pid})")


def _faults(
    watcher: Watcher, host: Host, address: str, proxy: str, within_s: int
) -> dict[str, str | None]:
    """Return the fault of each service by way of HAProxy, None where it passes."""
    watcher.configure(
        services=[
            {"name": name, "host": address, "port": PROXIED + port, "proxy": proxy}
            | ({"tls": "starttls"} if name in SERVER_SPEAKS_FIRST else {})
            for name, port in PORTS.items()
        ]
    )
    _, said = host.try_run(
        f"mailwatch check --json --once --set watch.attempt_timeout_s={within_s}"
    )
    return {one["service"].partition(":")[0]: one["fault"] for one in json.loads(said)["services"]}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_its_header_opens_every_port(
    watcher: Watcher, host: Host, address: str, version: str
) -> None:
    """HAProxy takes either version, and the server behind it the whole conversation."""
    assert _faults(watcher, host, address, version, 30) == dict.fromkeys(PORTS)


def test_without_its_header_each_port_fails_as_what_it_looks_like(
    watcher: Watcher, host: Host, address: str
) -> None:
    """HAProxy waits in silence for a header, and hangs up on anything else."""
    assert _faults(watcher, host, address, "none", 4) == {
        **dict.fromkeys(SERVER_SPEAKS_FIRST, "silent"),
        **dict.fromkeys(CLIENT_SPEAKS_FIRST, "dropped"),
    }
