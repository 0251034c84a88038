"""A ban as Stalwart's, by a real HAProxy as the published front: how it is told, and its end."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import FRONT, NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

WELL = "4 of 4 services answer"
SERVICES = {"SMTP": 25, "SMTPS": 465, "IMAPS": 993, "HTTPS": 443}


@pytest.fixture
def front(mail: Mail) -> Iterator[Mail]:
    """The mail server with HAProxy before it, which alone is published."""
    mail.remove()
    mail.start(front=True)
    yield mail
    mail.remove()


@pytest.fixture
def gateway(engine: Engine, front: Mail) -> str:
    """The address that the front sees for this host."""
    return engine.docker("inspect", "--format={{.NetworkSettings.Gateway}}", NAME)


def _order(engine: Engine, command: str) -> str:
    """Return what HAProxy answers through its own socket; nothing, to an order that it obeys."""
    talk = f"exec 3<>/dev/tcp/127.0.0.1/9999; echo '{command}' >&3; cat <&3"
    return engine.docker("exec", NAME, "bash", "-c", talk)


def _ban(engine: Engine, address: str) -> None:
    assert _order(engine, f"add acl /etc/haproxy/banned {address}") == ""


def _lift(engine: Engine, address: str) -> None:
    assert _order(engine, f"del acl /etc/haproxy/banned {address}") == ""


def _turned_away(engine: Engine) -> int:
    """Return how many connections HAProxy has closed for the ban."""
    rows = csv.DictReader(_order(engine, "show stat").splitlines())
    return sum(int(row["dcon"] or 0) for row in rows)


def _calls_a_person(message: Received) -> bool:
    return message.priority == 10


def _recovered(message: Received) -> bool:
    return message.title == "Mail flows again on mailhost"


def test_a_ban_is_told_with_its_cure_and_never_restarted_for(
    watcher: Watcher, engine: Engine, front: Mail, gateway: str, inbox: Inbox
) -> None:
    """One call names the address to unban; the container is left alone until the ban is lifted."""
    before = front.started_at()
    watcher.start()
    watcher.wait_for_status(WELL)
    _ban(engine, gateway)
    call = inbox.wait_for(_calls_a_person, 30)
    assert call.title == "mailwatch is shut out on mailhost and needs you"
    assert f"banned {gateway} (this host, as it sees it)" in call.message
    assert "unblock and allow-list it" in call.message
    # A round asks four services twice, so that makes four rounds more.
    enough = _turned_away(engine) + 4 * 4 * 2
    wait_until(lambda: _turned_away(engine) >= enough, 30, "four more rounds")
    assert front.started_at() == before
    _lift(engine, gateway)
    last = inbox.wait_for(_recovered, 30)
    assert "mailwatch did not restart container stalwart." in last.message
    assert inbox.messages == [call, last]
    assert front.started_at() == before


def test_a_ban_looks_the_same_without_docker_proxy(
    watcher: Watcher, host: Host, engine: Engine, front: Mail, gateway: str
) -> None:
    """HAProxy rejects with a reset, which reaches us where the kernel passes it on: a drop too."""
    address = engine.docker("inspect", "--format={{.NetworkSettings.IPAddress}}", NAME)
    _ban(engine, gateway)
    watcher.configure(
        services=[
            {"name": name, "host": address, "port": FRONT + port} for name, port in SERVICES.items()
        ]
    )
    _, said = host.try_run("mailwatch check --json --once --set watch.attempt_timeout_s=30")
    faults = {one["service"]: one["fault"] for one in json.loads(said)["services"]}
    assert set(faults.values()) == {"dropped"}, faults
    assert len(faults) == len(SERVICES)
