"""Exim, a second SMTP server with a TLS library of its own: what it takes, and how it refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Table, Watcher

pytestmark = pytest.mark.e2e

TLS_PORT, PORT, CLOSED, ONE_AT_A_TIME, LISTED, WITHOUT_PLAIN = range(2524, 2530)
PASSWORD = "/etc/mailwatch.account"
LOG = "/var/log/exim4/mainlog"


@pytest.fixture
def exim(host: Host) -> Iterator[None]:
    """Exim, that listens on its ports, with all that recipes/host/rootfs/etc/exim4 says."""
    host.run("systemd-run --quiet --collect --unit=exim exim4 -C /etc/exim4/bed.conf -bdf")
    wait_until(lambda: _greeting(host, PORT).startswith("220 "), 10, "Exim to answer")
    yield
    host.run(f"systemctl stop exim; rm -f {LOG} {PASSWORD}")


def _connected(host: Host, port: int) -> socket.socket:
    with inside(host.network):
        return socket.create_connection(("127.0.0.1", port), 30)


def _greeting(host: Host, port: int) -> str:
    try:
        with _connected(host, port) as peer:
            return peer.recv(200).decode()
    except OSError:
        return ""


def _check(watcher: Watcher, host: Host, **asked: Table) -> dict[str, tuple[object, object]]:
    """Return the fault and the detail of each service, by its name."""
    watcher.configure(
        services=[{"name": name, "probe": "smtp"} | more for name, more in asked.items()]
    )
    _, said = host.try_run("mailwatch check --json --once --set watch.attempt_timeout_s=30")
    return {
        one["service"].partition(":")[0]: (one["fault"], one["detail"])
        for one in json.loads(said)["services"]
    }


def _account(host: Host, word: str) -> Table:
    host.run(f"printf {word} >{PASSWORD}; chgrp mailwatch {PASSWORD}; chmod 640 {PASSWORD}")
    return {"user": "anna@example.test", "password_file": PASSWORD}


@pytest.mark.usefixtures("exim")
def test_exim_takes_every_conversation(watcher: Watcher, host: Host) -> None:
    """With STARTTLS and TLS, AUTH PLAIN and LOGIN; and it has nothing to complain of in its log."""
    login = _account(host, "secret")
    readings = _check(
        watcher,
        host,
        Plain={"port": PORT},
        STARTTLS={"port": PORT, "tls": "starttls", **login},
        TLS={"port": TLS_PORT, "tls": "implicit", **login},
        LOGIN={"port": WITHOUT_PLAIN, "tls": "starttls", **login},
    )
    assert {fault for fault, _ in readings.values()} == {None}, readings
    started, *complaints = host.read(LOG).splitlines()
    assert "daemon started" in started
    assert complaints == []


@pytest.mark.usefixtures("exim")
def test_each_refusal_of_exim_is_told_in_its_own_words(watcher: Watcher, host: Host) -> None:
    """A server that turns us away says why: nothing of that is taken for a hang or a silent ban."""
    wrong = _account(host, "hunter2")
    with _connected(host, ONE_AT_A_TIME) as first:
        assert first.recv(4) == b"220 "
        readings = _check(
            watcher,
            host,
            Closed={"port": CLOSED},
            Busy={"port": ONE_AT_A_TIME},
            Listed={"port": LISTED},
            Login={"port": PORT, "tls": "starttls", **wrong},
        )
    assert readings == {
        "Closed": ("rejected", "the greeting was '554 SMTP service not available', not 220"),
        "Busy": (
            "rejected",
            "the greeting was '421 Too many concurrent SMTP connections from this IP address; "
            "please try again later.', not 220",
        ),
        "Listed": (
            "rejected",
            "the greeting was '550 127.0.0.1 is on the list of bl.example.test', not 220",
        ),
        "Login": (
            "authentication",
            "the answer to the login was '535 Incorrect authentication data', not 235",
        ),
    }
