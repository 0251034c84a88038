"""The black box as the installed service fills it: each cause produced for real, and then read."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import STATE, Watcher

pytestmark = pytest.mark.e2e

WELL = "4 of 4 services answer"
_CAUSE = re.compile(r"^(?:Likely cause|Cause): (.*)\.$", re.MULTILINE)
CROWD = Path(__file__).parent / "bed" / "crowd.py"


def with_cause(message: Received) -> bool:
    """Whether the message names a cause."""
    return _CAUSE.search(message.message) is not None


def cause_of(message: Received) -> str:
    """Return the cause that the message names, seen or likely."""
    found = _CAUSE.search(message.message)
    assert found
    return found[1]


def recovered(message: Received) -> bool:
    """Whether the message closes an incident."""
    return message.title.startswith("Mail flows again")


def shown(host: Host) -> dict[str, Any]:
    """Return the newest incident with its evidence, as `incident show --json` prints it."""
    found: dict[str, Any] = json.loads(host.run("mailwatch incident show last --json"))
    return found


def with_after(host: Host) -> dict[str, Any]:
    """Return the newest incident once the look after its recovery is kept."""

    def kept() -> dict[str, Any]:
        found = shown(host)
        return found if found["evidence_after"] else {}

    return wait_until(kept, 20, "the look after the recovery")


@pytest.fixture
def watching(watcher: Watcher) -> Watcher:
    """mailwatch, started as the README says, that has seen all four services answer."""
    watcher.start()
    watcher.wait_for_status(WELL)
    return watcher


@contextmanager
def crowd(host: Host, address: str, port: int, count: int) -> Iterator[None]:
    """`count` clients of 203.0.113.0/24 that connect and say nothing, from a network of theirs."""
    host.write("/root/crowd.py", CROWD.read_text())
    with ExitStack() as stack:
        stack.callback(host.try_run, "ip route del 203.0.113.0/24; ip netns del crowd")
        host.run(
            "set -e; ip netns add crowd; ip link add crowd0 type veth peer name eth0 netns crowd;"
            "ip addr add 198.51.100.1/24 dev crowd0; ip link set crowd0 up;"
            "ip -n crowd link set lo up; ip -n crowd addr add 198.51.100.2/24 dev eth0;"
            "ip -n crowd link set eth0 up; ip -n crowd route add default via 198.51.100.1;"
            "ip -n crowd route add local 203.0.113.0/24 dev lo;"
            "ip route add 203.0.113.0/24 via 198.51.100.2"
        )
        stack.callback(host.try_run, "systemctl stop crowd.service")
        host.run(
            "systemd-run --quiet --collect --unit=crowd ip netns exec crowd "
            f"python3 /root/crowd.py {address} {port} {count}"
        )
        yield


def test_a_flood_is_named_on_the_phone_and_kept(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """Idle clients fill the accept queue of IMAPS: port, count and origin are in the message."""
    address = engine.docker("inspect", "--format={{.NetworkSettings.IPAddress}}", NAME)
    with crowd(host, address, 993, 800):
        message = inbox.wait_for(with_cause, 40)
    inbox.wait_for(recovered, 60)
    cause = cause_of(message)
    assert cause.startswith("accept queue full on 993 with ")
    assert cause.endswith(" connections from 203.0.113.0/24")
    incident = with_after(host)
    assert incident["cause"] == cause
    found = incident["evidence"]
    (imaps,) = (row for row in found["connections"]["container"]["listeners"] if row["port"] == 993)
    assert imaps["queue"] > 0
    assert imaps["connections"] > 100
    assert imaps["prefixes"][0]["prefix"] == "203.0.113.0/24"
    assert found["connections"]["container"]["listen_overflows"] > 0
    after = incident["evidence_after"]
    assert {row["service"] for row in after["readings"]["now"] if row["verdict"] == "pass"} == {
        "SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443",
    }  # fmt: skip
    assert after["container"]["started"] > found["container"]["started"]


def test_the_installed_service_reads_all_that_it_promises(
    watching: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """Under its own user and sandbox nothing is missing in silence, and the files are its own."""
    mail.hang()
    message = inbox.wait_for(with_cause, 40)
    inbox.wait_for(recovered, 60)
    cause = cause_of(message)
    assert cause.startswith("stopped processes (SIGSTOP): ")
    incident = with_after(host)
    for look in (incident["evidence"], incident["evidence_after"]):
        unreadable = {
            (name, what) for name, found in look.items() for what in found.get("unreadable", {})
        }
        assert unreadable <= {
            ("clock", "synchronised"),
            ("connections", "container.listeners.queue_limit"),
        }
        assert {row["port"] for row in look["connections"]["watched"]} == {25, 443, 465, 993}
        assert look["host"]["load"]
        assert look["host"]["conntrack_limit"] > 0
        assert look["host"]["memory"]["available_bytes"] > 0
        assert look["host"]["files"] > 0
        assert look["cgroup"]["memory_bytes"] > 0
        assert look["processes"]["count"] > 5
        assert any(row["path"] == "/" for row in look["disk"]["file_systems"])
        assert look["gathered"]["took_s"] < 15
    assert incident["evidence"]["log"]["lines"] is not None
    rounds = incident["evidence"]["readings"]["before"]
    assert rounds[-1]["readings"][0]["phases"]["connect"] >= 0
    modes = host.run(f"stat -c '%a %U:%G' {STATE}/evidence {STATE}/evidence/*.gz").splitlines()
    assert modes == ["750 mailwatch:mailwatch", *["640 mailwatch:mailwatch"] * 2]
    told = host.run("mailwatch incident show last")
    assert cause in told
    assert "stopped" in told
    assert "AbcDefGhiJklMno" not in json.dumps(incident)


def test_a_tighter_unit_still_heals_and_says_what_it_could_not_read(
    watcher: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """A drop-in that hides /proc costs the connections, not the restart; the reason is kept."""
    watcher.drop_in("[Service]\nProtectProc=invisible\nProcSubset=pid\n")
    watcher.start()
    watcher.wait_for_status(WELL)
    mail.hang()
    inbox.wait_for(recovered, 60)
    found = shown(host)["evidence"]
    assert "ProtectProc=default" in found["connections"]["unreadable"]["container"]
    assert "ProcSubset=all" in found["host"]["unreadable"]["load"]


def test_a_container_killed_for_its_memory_is_named(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """The kernel kills it at its limit: the message says so, with the limit."""
    try:
        engine.docker("update", "--restart=no", "--memory=96m", "--memory-swap=96m", NAME)
        pid = engine.docker("inspect", "--format={{.State.Pid}}", NAME)
        host.run(f"echo 1000 >/proc/{pid}/oom_score_adj")
        engine.try_docker("exec", NAME, "perl", "-e", "my $x = 'a' x (300 << 20); sleep 60")
        message = inbox.wait_for(with_cause, 40)
        assert cause_of(message).startswith("out of memory: ")
        assert cause_of(message).endswith(", at its limit of 96 MiB")
        inbox.wait_for(recovered, 60)
    finally:
        mail.remove()


def test_a_full_disk_of_the_container_is_named(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """A volume of the container on a small tmpfs that is full: its place and size are named."""
    watching.stop()
    mail.remove()
    host.run("mkdir -p /srv/mailstore && mount -t tmpfs -o size=2m tmpfs /srv/mailstore")
    try:
        mail.start("--volume=/srv/mailstore:/var/mail")
        watching.start()
        watching.wait_for_status(WELL)
        assert host.try_run("dd if=/dev/zero of=/srv/mailstore/queue bs=64k")[0] != 0
        mail.hang("dovecot")
        mail.hang("imap-login")
        message = inbox.wait_for(with_cause, 40)
        assert cause_of(message) == "disk full: /srv/mailstore has 0 B of 2.0 MiB free"
        inbox.wait_for(recovered, 60)
    finally:
        mail.remove()
        host.try_run("umount --lazy /srv/mailstore")


def test_a_port_that_nobody_listens_on_is_told_from_a_ban(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """docker-proxy accepts for both; the container's own table tells which it is."""
    engine.docker("exec", NAME, "sed", "-i", "/listen.*443/d", "/etc/nginx/nginx.conf")
    engine.docker("exec", NAME, "nginx", "-s", "reload")
    try:
        message = inbox.wait_for(with_cause, 40)
        assert cause_of(message) == "nothing listens on 443 inside the container"
    finally:
        mail.remove()
        mail.start()
    inbox.wait_for(recovered, 60)


def test_a_firewall_inside_the_container_looks_like_the_ban_that_it_is(
    watching: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """All is dropped at once while every port listens: the address to unban is named."""
    pid = engine.docker("inspect", "--format={{.State.Pid}}", NAME)
    gateway = engine.docker("inspect", "--format={{.NetworkSettings.Gateway}}", NAME)
    rule = f"-p tcp -s {gateway} -j REJECT --reject-with tcp-reset"
    host.run(f"nsenter -t {pid} -n iptables -I INPUT {rule}")
    try:
        message = inbox.wait_for(with_cause, 40)
        assert cause_of(message).startswith(f"ban of {gateway} (this host, as it sees it), or a ")
    finally:
        host.run(f"nsenter -t {pid} -n iptables -D INPUT {rule}")
    inbox.wait_for(recovered, 60)


def test_docker_that_hangs_is_named_in_the_call(
    watcher: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """dockerd is stopped with SIGSTOP while mail is down: the call says that Docker hangs."""
    watcher.configure(evidence={"wait_s": 3})
    watcher.start()
    watcher.wait_for_status(WELL)
    host.run("kill -STOP $(pidof dockerd)")
    try:
        mail.hang()
        message = inbox.wait_for(with_cause, 60)
        assert cause_of(message) == "Docker does not answer: it hangs or is stopped"
    finally:
        host.run("kill -CONT $(pidof dockerd)")
    inbox.wait_for(recovered, 60)


def test_an_incident_can_be_taken_to_a_bug_report(
    watching: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """One archive holds the story, the evidence, the configuration without its token, versions."""
    mail.hang("nginx")
    inbox.wait_for(recovered, 60)
    incident = with_after(host)["id"]
    host.run(f"mailwatch incident export {incident} -o /root/export.tar.gz")
    packed = (host.root / "root/export.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        texts = {
            Path(one.name).name: (tar.extractfile(one) or io.BytesIO()).read().decode()
            for one in tar
        }
    assert set(texts) == {
        "incident.json", "incident.txt", "evidence.json", "config.json", "version.txt",
    }  # fmt: skip
    assert json.loads(texts["incident.json"])["id"] == incident
    assert json.loads(texts["evidence.json"])["after"]["container"]["status"] == "running"
    assert json.loads(texts["config.json"])["gotify.token"] == "***"
    assert "AbcDefGhiJklMno" not in "".join(texts.values())
    assert host.run("stat -c %a /root/export.tar.gz") == "600"
    host.run("rm /root/export.tar.gz")


def test_without_matplotlib_the_report_says_what_to_install(watching: Watcher, host: Host) -> None:
    """The library is only suggested by the package: one sentence, and no traceback."""
    code, said = host.try_run("mailwatch report")
    assert code == 69
    assert "apt install python3-matplotlib" in said
    assert "Traceback" not in said
