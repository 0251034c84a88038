"""A server that dies inside its running container, which Docker's proxy makes look like a ban."""

from __future__ import annotations

import re

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

WELL = "4 of 4 services answer"
NOTHING = "nothing listens inside the container for SMTP:25, SMTPS:465, IMAPS:993 and HTTPS:443"


def opened(message: Received) -> bool:
    """Whether the message opens an incident."""
    return message.priority == 5 and message.title.startswith("Mail is down on mailhost: ")


def recovered(message: Received) -> bool:
    """Whether the message closes an incident."""
    return message.title == "Mail flows again on mailhost"


def calls_a_person(message: Received) -> bool:
    """Whether the message has the highest priority."""
    return message.priority == 10


@pytest.fixture
def watching(watcher: Watcher) -> Watcher:
    """mailwatch, started as the README says, that has seen all four services answer."""
    watcher.start()
    watcher.wait_for_status(WELL)
    return watcher


def die(host: Host, engine: Engine, mail: Mail) -> None:
    """Kill every process of the container but the first, until nothing listens there."""
    first = engine.docker("inspect", "--format={{.State.Pid}}", NAME)

    def is_dead() -> bool:
        rows = engine.docker("top", NAME, "-eo", "pid,comm").splitlines()[1:]
        others = [pid for pid, _ in (row.split(maxsplit=1) for row in rows) if pid != first]
        host.try_run(f"kill -KILL {' '.join(others)}")
        return " 0A " not in host.run(f"cat /proc/{first}/net/tcp /proc/{first}/net/tcp6")

    wait_until(is_dead, 20, "nothing to listen inside the container")
    assert mail.status() == "running"


def accepts_and_drops(mail: Mail, port: int) -> bool:
    """Whether a connection from the host is accepted and then closed, as by a ban."""
    with mail.connected(port) as peer:
        return peer.recv(1) == b""


def test_a_server_that_died_inside_its_container_is_restarted(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """Every port still accepts and drops: the message says that nothing listens, not a ban."""
    before = mail.started_at()
    die(host, engine, mail)
    assert accepts_and_drops(mail, 25)
    first = inbox.wait_for(opened, 60)
    last = inbox.wait_for(recovered, 90)
    assert mail.started_at() > before
    assert mail.answers()
    assert inbox.messages == [first, last]
    assert "Likely cause: nothing listens on " in first.message
    assert re.search("[Rr]estart(s|ing) container stalwart now", first.message)
    assert first.message.count("nothing listens on it inside the container") == 4
    assert not re.search(r"\bban", first.message + last.message)
    assert re.search("The restart of container stalwart at .* helped", last.message)
