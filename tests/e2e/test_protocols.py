"""Every mail protocol, asked of real Postfix and Dovecot by the installed mailwatch."""

from __future__ import annotations

import json

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.watcher import Table, Watcher

pytestmark = pytest.mark.e2e

PASSWORD = "/etc/mailwatch.account"
WRONG = "/etc/mailwatch.account-wrong"
ACCOUNT: Table = {"user": "anna@example.test", "password_file": PASSWORD}

PORTS = {
    "SMTP": 25, "SUBMISSION": 587, "SMTPS": 465, "IMAP": 143, "IMAPS": 993, "POP3": 110,
    "POP3S": 995, "SIEVE": 4190, "LMTP": 24, "HTTP": 80, "HTTPS": 443,
}  # fmt: skip
"""Every name that mailwatch knows by itself."""
OFFER_STARTTLS = ("SMTP", "SUBMISSION", "IMAP", "POP3", "SIEVE")
LET_IN = ("SUBMISSION", "SMTPS", "IMAP", "IMAPS", "POP3", "POP3S", "SIEVE")
"""Those that let an account in, here over TLS alone."""


def _service(name: str, **more: object) -> Table:
    return {"name": name, "port": PORTS[name], **more}


def _private(name: str, **more: object) -> Table:
    """Return the service as one that speaks TLS, with a login, before it says goodbye."""
    starttls = {"tls": "starttls"} if name in OFFER_STARTTLS else {}
    return _service(name, **starttls, **ACCOUNT) | more


def _check(host: Host) -> dict[str, dict[str, object]]:
    """Return the reading of each service by its name; each is asked once."""
    _, said = host.try_run("mailwatch check --json --once --set watch.attempt_timeout_s=10")
    return {str(one["service"]).partition(":")[0]: one for one in json.loads(said)["services"]}


@pytest.fixture
def accounts(host: Host) -> None:
    """The password of the account, and one that is not it, in files of their own."""
    for path, word in ((PASSWORD, "secret"), (WRONG, "hunter2")):
        host.run(f"printf {word} >{path}; chgrp mailwatch {path}; chmod 640 {path}")


def test_every_known_name_is_asked_right(watcher: Watcher, host: Host) -> None:
    """Its name and port alone are enough for a whole conversation that the server takes."""
    watcher.configure(services=[_service(name) for name in PORTS])
    readings = _check(host)
    assert {name: one["detail"] for name, one in readings.items()} == dict.fromkeys(PORTS, "")
    assert {one["verdict"] for one in readings.values()} == {"pass"}


def test_starttls_is_spoken_wherever_it_is_offered(watcher: Watcher, host: Host) -> None:
    """The conversation goes on behind a real handshake, whose certificate is then known."""
    watcher.configure(services=[_service(name, tls="starttls") for name in OFFER_STARTTLS])
    readings = _check(host)
    assert {name: one["verdict"] for name, one in readings.items()} == dict.fromkeys(
        OFFER_STARTTLS, "pass"
    ), readings
    for one in readings.values():
        phases = one["phases"]
        assert isinstance(phases, dict)
        assert "tls" in phases
        assert one["certificate_expires"]


@pytest.mark.usefixtures("accounts")
def test_the_right_password_is_let_in(watcher: Watcher, host: Host) -> None:
    """Each protocol's own login works with the server that it is made for."""
    watcher.configure(services=[_private(name) for name in LET_IN])
    readings = _check(host)
    assert {name: one["verdict"] for name, one in readings.items()} == dict.fromkeys(
        LET_IN, "pass"
    ), readings


@pytest.mark.usefixtures("accounts")
def test_a_wrong_password_is_told_as_that(watcher: Watcher, host: Host) -> None:
    """It is never taken for an outage, and no sentence repeats the password."""
    watcher.configure(services=[_private(name, password_file=WRONG) for name in LET_IN])
    readings = _check(host)
    assert {name: one["fault"] for name, one in readings.items()} == dict.fromkeys(
        LET_IN, "authentication"
    ), readings
    assert "hunter2" not in str(readings)
