"""What is asked beyond ports, of real Postfix and Dovecot, by the service in its sandbox."""

from __future__ import annotations

import json

import pytest

from tests.e2e.bed.canary import CANARY, PASSWORD
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import NAME
from tests.e2e.bed.watcher import Table, Watcher

pytestmark = pytest.mark.e2e

QUEUE: Table = {
    "name": "Queue", "probe": "postqueue", "queue_limit": 2,
    "command": ["docker", "exec", NAME, "postqueue", "-j"],
}  # fmt: skip


def _check(host: Host) -> dict[str, dict[str, object]]:
    _, said = host.try_run("mailwatch check --json --set watch.attempt_timeout_s=30")
    return {one["service"]: one for one in json.loads(said)["services"]}


@pytest.mark.usefixtures("canary_password")
def test_a_canary_flies_through_postfix_and_dovecot(
    watcher: Watcher, host: Host, engine: Engine
) -> None:
    """It is submitted, delivered, found and removed; both legs' seconds are told."""
    watcher.configure(services=[CANARY])
    reading = _check(host)["Canary:465"]
    assert reading["verdict"] == "pass", reading
    phases = reading["phases"]
    assert isinstance(phases, dict)
    assert list(phases) == ["submit", "arrive"]
    # Dovecot's own cache remembers the header's name.
    look = "grep -rl X-Mailwatch /var/mail/*/Maildir/cur /var/mail/*/Maildir/new || true"
    left = engine.docker("exec", NAME, "sh", "-c", look)
    assert left == ""


@pytest.mark.usefixtures("canary_password")
def test_a_canary_comes_in_as_a_strangers_mail(watcher: Watcher, host: Host) -> None:
    """Port 25 offers no login and is asked for none; the mailbox is asked as its owner."""
    watcher.configure(services=[{**CANARY, "port": 25, "tls": "none", "submit_login": False}])
    assert _check(host)["Canary:25"]["verdict"] == "pass"
    watcher.configure(services=[{**CANARY, "port": 25, "tls": "none"}])
    reading = _check(host)["Canary:25"]
    assert reading["fault"] == "authentication"
    assert "offers neither AUTH PLAIN nor LOGIN" in str(reading["detail"])


@pytest.mark.usefixtures("canary_password")
def test_the_service_keeps_canaries_flying(watcher: Watcher, inbox: Inbox) -> None:
    """Under systemd, in the sandbox, and without a message to anybody."""
    watcher.configure(services=[{**CANARY, "every_s": 1}], watch={"attempt_timeout_s": 10})
    watcher.start()
    watcher.wait_until_well()
    assert inbox.messages == []


@pytest.mark.usefixtures("canary_password")
def test_a_refused_login_is_told_as_that(watcher: Watcher, host: Host) -> None:
    """A wrong password is no outage of the server."""
    host.run(f"printf wrong >{PASSWORD}")
    watcher.configure(services=[CANARY])
    reading = _check(host)["Canary:465"]
    assert reading["fault"] == "authentication"
    assert "wrong" not in str(reading["detail"])


def test_the_queue_of_postfix_is_counted(
    watcher: Watcher, host: Host, engine: Engine, inbox: Inbox
) -> None:
    """The service lists it through the engine, as its own user; a long one calls, no restart."""
    engine.docker("exec", NAME, "postconf", "-e", "defer_transports=lmtp")
    engine.docker("exec", NAME, "postfix", "reload")
    try:
        watcher.configure(services=[QUEUE], watch={"attempt_timeout_s": 10})
        watcher.start()
        watcher.wait_for_status("1 of 1 services answer")
        for number in range(4):
            send = f"echo {number} | sendmail -f anna@example.test anna@example.test"
            engine.docker("exec", NAME, "sh", "-c", send)
        started = host.run(f"docker inspect --format={{{{.State.StartedAt}}}} {NAME}")
        message = inbox.wait_for(lambda one: "needs you" in one.title, 40)
        assert "more than 2 messages wait in the mail queue" in message.message
        assert started == host.run(f"docker inspect --format={{{{.State.StartedAt}}}} {NAME}")
    finally:
        engine.docker("exec", NAME, "postconf", "-X", "defer_transports")
        engine.docker("exec", NAME, "postsuper", "-d", "ALL")
        engine.docker("exec", NAME, "postfix", "reload")
    inbox.wait_for(lambda one: "flows again" in one.title, 40)


def test_a_command_runs_as_the_service(watcher: Watcher, host: Host) -> None:
    """It has the service's user, and nothing of its environment but a path and a language."""
    script = "echo $(id -un): $(env | cut -d= -f1 | sort); exit 2"
    watcher.configure(
        services=[{"name": "Own", "probe": "command", "command": ["/bin/sh", "-c", script]}]
    )
    watcher.start()
    line = watcher.wait_for_line("Own fails")
    assert "sh ended with 2: mailwatch: LC_ALL PATH PWD" in line
