"""A server that dies inside its running container, which Docker's proxy makes look like a ban."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

RECIPE = Path(__file__).parent / "bed/recipes/mail"
SCRIPT = "usr/local/sbin/serve-mail"
WELL = "4 of 4 services answer"
NOTHING = "nothing listens inside the container for "


def opened(message: Received) -> bool:
    """Whether the message opens an incident."""
    return message.priority == 5 and message.title.startswith("Mail is down on mailhost: ")


def recovered(message: Received) -> bool:
    """Whether the message closes an incident."""
    return message.title == "Mail flows again on mailhost"


@pytest.fixture
def outliving(host: Host, mail: Mail) -> Iterator[Mail]:
    """The mail server in a container that goes on running when its servers have died."""
    script = (RECIPE / "rootfs" / SCRIPT).read_text()
    lasting = script.replace("\nwait -n", "\nsleep infinity &\nwait")
    assert lasting != script
    host.write("/root/serve-on", lasting)
    host.run("chmod 755 /root/serve-on")
    mail.remove()
    mail.start(f"--volume=/root/serve-on:/{SCRIPT}:ro")
    yield mail
    mail.remove()
    host.run("rm /root/serve-on")


def watch(watcher: Watcher) -> None:
    """Start mailwatch as the README says, and let it see all four services answer.

    A container in which nothing listens counts as coming up until it is 15 s old.
    """
    watcher.configure(restart={"verify_for_s": 15})
    watcher.start()
    watcher.wait_for_status(WELL)


def die(host: Host, engine: Engine) -> None:
    """Kill the servers inside the container, until nothing listens there."""
    pid = engine.docker("inspect", "--format={{.State.Pid}}", NAME)

    def is_dead() -> bool:
        rows = engine.docker("top", NAME, "-eo", "pid,comm").splitlines()[1:]
        servers = [
            number
            for number, name in (row.split(maxsplit=1) for row in rows)
            if name not in ("serve-mail", "sleep")
        ]
        if servers:
            host.try_run(f"kill -KILL {' '.join(servers)}")
        return " 0A " not in host.run(f"cat /proc/{pid}/net/tcp /proc/{pid}/net/tcp6")

    wait_until(is_dead, 20, "nothing to listen inside the container")
    assert engine.docker("inspect", "--format={{.State.Pid}}", NAME) == pid


def accepts_and_drops(mail: Mail, port: int) -> bool:
    """Whether a connection from the host is accepted and then closed, as by a ban."""
    with mail.connected(port) as peer:
        return peer.recv(1) == b""


def banned(message: Received) -> bool:
    """Whether the message calls a person because of a ban."""
    return message.priority == 10 and "the sign of a ban" in message.message


def firewall(host: Host, engine: Engine, change: str) -> None:
    """Let the container refuse this host's connections (`change` is -I), or no more (-D)."""
    pid = engine.docker("inspect", "--format={{.State.Pid}}", NAME)
    gateway = engine.docker("inspect", "--format={{.NetworkSettings.Gateway}}", NAME)
    rule = f"-p tcp -s {gateway} -j REJECT --reject-with tcp-reset"
    host.run(f"nsenter -t {pid} -n iptables {change} INPUT {rule}")


def test_a_server_that_died_inside_its_container_is_restarted(
    watcher: Watcher, host: Host, engine: Engine, outliving: Mail, inbox: Inbox
) -> None:
    """Every port still accepts and drops: the message says that nothing listens, not a ban."""
    mail = outliving
    watch(watcher)
    before = mail.started_at()
    die(host, engine)
    assert accepts_and_drops(mail, 25)
    first = inbox.wait_for(opened, 60)
    last = inbox.wait_for(recovered, 90)
    assert mail.started_at() > before
    assert mail.answers()
    assert inbox.messages == [first, last]
    assert "Cause: nothing listens on " in first.message
    assert re.search("[Rr]estart(s|ing) container stalwart now", first.message)
    assert re.search("(has no|have no) listener inside the container", first.message)
    assert not re.search(r"\bban", first.message + last.message)
    assert re.search("The restart of container stalwart at .* helped", last.message)


def test_one_that_dies_after_it_has_banned_us_is_restarted_then(
    watcher: Watcher, host: Host, engine: Engine, outliving: Mail, inbox: Inbox
) -> None:
    """A ban calls a person and restarts nothing, until nothing listens behind it any more."""
    mail = outliving
    watch(watcher)
    before = mail.started_at()
    firewall(host, engine, "-I")
    call = inbox.wait_for(banned, 60)
    assert mail.started_at() == before
    die(host, engine)
    last = inbox.wait_for(recovered, 90)
    assert mail.started_at() > before
    assert inbox.messages == [call, last]
    assert f"Cause: {NOTHING}" in last.message


def test_what_mailwatch_cannot_see_stays_a_ban(
    watcher: Watcher, host: Host, engine: Engine, outliving: Mail, inbox: Inbox
) -> None:
    """Where the unit hides the container's processes, a person is called, and no restart made."""
    mail = outliving
    watcher.drop_in("[Service]\nProtectProc=invisible\n")
    watch(watcher)
    before = mail.started_at()
    die(host, engine)
    inbox.wait_for(banned, 60)
    watcher.wait_for_status("escalated")
    assert mail.started_at() == before
    assert "ProtectProc=invisible hides" in host.try_run("mailwatch doctor")[1]
