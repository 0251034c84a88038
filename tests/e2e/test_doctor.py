"""`mailwatch doctor` on a whole host: real Docker, a real unit, real mail servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

Findings = list[dict[str, str]]


def _doctor(host: Host, *options: str) -> tuple[int, Findings]:
    code, said = host.try_run(f"mailwatch doctor --json {' '.join(options)}")
    found: Findings = json.loads(said)["findings"]
    return code, found


def _of(findings: Findings, check: str) -> list[tuple[str, str]]:
    return [(one["level"], one["sentence"]) for one in findings if one["check"] == check]


def test_a_host_that_is_well(watcher: Watcher, host: Host, inbox: Inbox) -> None:
    """Nothing is a problem, and the address to allow-list is the one that Docker's bridge has."""
    watcher.configure(watch={"attempt_timeout_s": 30})
    watcher.start()
    watcher.wait_for_status("4 of 4 services answer")
    code, findings = _doctor(host)
    assert code < 2, findings
    assert {one["level"] for one in findings} <= {"ok", "warning"}
    gateway = host.run("ip -4 -o addr show docker0 | sed 's,.*inet ,,; s,/.*,,'")
    assert any(f"sees mailwatch as {gateway}:" in said for _, said in _of(findings, "ports"))
    # The test bed publishes more ports than the default services ask.
    assert any("port 143 (IMAP)" in said for _, said in _of(findings, "ports"))
    assert _of(findings, "socket") == [("ok", "User mailwatch may use /var/run/docker.sock.")]
    assert _of(findings, "container") == [("ok", f"Container {NAME} is running.")]
    assert _of(findings, "state")[0] == ("ok", "User mailwatch may write to /var/lib/mailwatch.")
    ((level, sentence),) = _of(findings, "engine")
    assert level == "ok"
    assert host.run("docker version --format '{{.Server.Version}}'") in sentence
    assert ("ok", "The service has a watchdog of 90 s.") in _of(findings, "service")


HOST_ADDRESS, HOST_PORT = "192.0.2.10", 2525


@pytest.fixture(params=[True, False], ids=["docker-proxy", "kernel-alone"])
def reached_twice(
    request: pytest.FixtureRequest, watcher: Watcher, host: Host, engine: Engine, mail: Mail
) -> Iterator[None]:
    """The mail server on loopback and on an address of the host, with docker-proxy or without."""

    def restart_docker() -> None:
        mail.remove()
        engine.stop()
        # An engine without docker-proxy leaves its rules behind.
        host.run("ip link del docker0; iptables -t nat -F; iptables -t nat -X")
        engine.start()

    address = f"{HOST_ADDRESS}/32 dev lo"
    host.run(f"ip addr add {address}")
    if not request.param:
        host.run("mkdir -p /etc/docker; touch /etc/docker/daemon.json")
        host.write("/etc/docker/daemon.json", '{"userland-proxy": false}')
        restart_docker()
    mail.remove()
    mail.start(f"--publish={HOST_ADDRESS}:{HOST_PORT}:25")
    yield
    if not request.param:
        host.run("rm /etc/docker/daemon.json")
        restart_docker()
    mail.remove()
    host.run(f"ip addr del {address}")


def _log_up_to(engine: Engine, mark: str) -> str:
    """Return the log of Postfix, with all that it has said by now, up to a line with `mark`."""
    engine.docker("exec", NAME, "postlog", mark)
    log: list[str] = []

    def has_come() -> bool:
        log.append(engine.docker("logs", NAME))
        return f": {mark}" in log[-1]

    wait_until(has_come, 10, "the mark in Postfix's log")
    return log[-1]


@pytest.mark.usefixtures("reached_twice")
@pytest.mark.parametrize(("asked", "port"), [("127.0.0.1", 25), (HOST_ADDRESS, HOST_PORT)])
def test_the_container_sees_the_address_that_was_foretold(
    asked: str, port: int, watcher: Watcher, host: Host, engine: Engine
) -> None:
    """Postfix logs where our connection came from: it is an address that doctor named."""
    watcher.configure(
        services=[{"name": "SMTP", "port": port, "host": asked}], watch={"attempt_timeout_s": 30}
    )
    _log_up_to(engine, "before")
    host.run("mailwatch check --once")
    said = _log_up_to(engine, "after").rpartition("before")[2]
    (came_from,) = set(re.findall(r"smtpd\[\d+\]: connect from \S+\[([^]]+)\]", said))
    _, findings = _doctor(host)
    (sentence,) = (said for _, said in _of(findings, "ports") if "sees mailwatch as" in said)
    named = sentence.partition("sees mailwatch as ")[2].partition(":")[0].split(" or ")
    assert came_from in named
    # What the kernel does with an address of the host is not to be seen from here.
    assert len(named) == (1 if asked == "127.0.0.1" else 2)


def test_what_the_service_lacks_is_found_by_root(watcher: Watcher, host: Host) -> None:
    """Without the group, with too short a watchdog and no start at boot: each with its cure."""
    watcher.drop_in("[Service]\nSupplementaryGroups=\nWatchdogSec=4\n")
    code, findings = _doctor(host)
    assert code == 2
    ((level, sentence),) = _of(findings, "socket")
    assert level == "problem"
    assert sentence.startswith("User mailwatch may not use the Docker socket /var/run/docker.sock")
    service = _of(findings, "service")
    assert any(said.startswith("The watchdog of the unit waits 4 s") for _, said in service)
    assert any("does not start with the host" in said for _, said in service)


def test_a_name_that_is_nearly_right(watcher: Watcher, host: Host) -> None:
    """The container that was meant is named."""
    code, findings = _doctor(host, "--container", f"{NAME}s")
    assert code == 2
    ((level, sentence),) = _of(findings, "container")
    assert level == "problem"
    assert f"did you mean {NAME}?" in sentence


def test_a_service_on_a_port_that_is_not_published(watcher: Watcher, host: Host) -> None:
    """It fails, and the reason stands beside it."""
    code, findings = _doctor(host, "--set services=SMTP:25,Admin:8081")
    assert code == 2
    assert any("nothing listens" in said for _, said in _of(findings, "services"))
    assert any("does not publish port 8081" in said for _, said in _of(findings, "ports"))


def test_a_test_message_leaves_on_request_alone(watcher: Watcher, host: Host, inbox: Inbox) -> None:
    """With --send the phone rings once."""
    _, findings = _doctor(host, "--send")
    ((level, sentence),) = _of(findings, "gotify")
    assert level == "ok"
    assert sentence.startswith("Gotify took a test message, 'mailwatch on ")
    (message,) = inbox.messages
    assert "can reach you" in message.title
