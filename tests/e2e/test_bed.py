"""The test bed is what the other tests take it for."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.bed import cgroups, need
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import CommandFailed, Host
from tests.e2e.bed.images import CACHE, HOST
from tests.e2e.bed.inbox import ADDRESS, PORT, TOKEN, Inbox, Manner
from tests.e2e.bed.mail import NAME, PORTS, Mail
from tests.e2e.bed.netns import inside
from tests.e2e.bed.wait import NeverHappened, wait_until

pytestmark = pytest.mark.e2e


def test_systemd_runs_the_host_as_its_first_process(host: Host) -> None:
    """The host is a whole Debian system, with no unit that failed."""
    assert host.run("cat /proc/1/comm") == "systemd"
    assert host.run("systemctl is-system-running") == "running"
    assert host.run("systemctl --failed --no-legend --plain") == ""


def test_the_host_has_a_network_of_its_own(host: Host) -> None:
    """Only loopback and Docker's bridge are there, so no traffic can leave this machine."""
    links = {line.split(": ")[1].split("@")[0] for line in host.run("ip -o link").splitlines()}
    assert {link for link in links if not link.startswith("veth")} == {"lo", "docker0"}
    assert host.run("ip route show default") == ""
    assert os.readlink(host.network) != os.readlink("/proc/self/ns/net")


def test_docker_works_through_its_real_socket(host: Host, engine: Engine) -> None:
    """The socket belongs to group docker, and the engine is Debian's own."""
    assert host.run("stat -c '%U:%G %a' /run/docker.sock") == "root:docker 660"
    assert host.run("dpkg-query -W -f '${Status}' docker.io") == "install ok installed"
    assert host.run("systemctl is-active docker.service") == "active"


@pytest.mark.parametrize("port", PORTS)
def test_every_port_of_the_mail_server_answers(mail: Mail, port: int) -> None:
    """Each published port is answered with the greeting, or page, of its protocol."""
    assert mail.greets(port)


def test_the_mail_server_holds_a_whole_conversation(host: Host, mail: Mail) -> None:
    """A message that is submitted lies in the mailbox of its recipient afterwards."""
    with mail.connected(465, 10) as peer:
        talk = peer.makefile("rwb")
        for line, wanted in (
            ("", b"220"), ("EHLO [127.0.0.1]", b"250"),
            ("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AHNlY3JldA==", b"235"),
            ("MAIL FROM:<anna@example.test>", b"250"), ("RCPT TO:<anna@example.test>", b"250"),
            ("DATA", b"354"), ("Subject: one\r\n\r\ntwo\r\n.", b"250"), ("QUIT", b"221"),
        ):  # fmt: skip
            if line:
                talk.write(f"{line}\r\n".encode())
                talk.flush()
            while (answer := talk.readline())[3:4] == b"-":
                assert answer.startswith(wanted)
            assert answer.startswith(wanted), answer
        talk.close()
    look = f"docker exec {NAME} sh -c 'cat /var/mail/anna@example.test/Maildir/new/*'"
    wait_until(lambda: "Subject: one" in host.try_run(look)[1], 10, "the message in the mailbox")


def test_a_hung_server_accepts_and_says_nothing(mail: Mail) -> None:
    """After hang() the kernel still accepts connections, and no byte comes back."""
    mail.hang()
    with mail.connected(25) as peer:
        peer.settimeout(0.5)
        with pytest.raises(TimeoutError):
            peer.recv(1)
    assert not any(mail.greets(port, 0.3) for port in PORTS)
    mail.resume()
    mail.wait_until_up()


def test_a_restart_cures_a_hang(engine: Engine, mail: Mail) -> None:
    """Stopped processes do not keep Docker from killing and starting the container."""
    before = mail.started_at()
    mail.hang()
    engine.docker("restart", "--time=1", NAME)
    mail.wait_until_up()
    assert mail.started_at() > before


def test_a_server_that_is_broken_for_good_stays_silent(engine: Engine, mail: Mail) -> None:
    """No restart helps after break_for_good(): the container runs, and nothing answers."""
    mail.break_for_good()
    engine.docker("restart", "--time=1", NAME)
    assert mail.status() == "running"
    assert not any(mail.greets(port, 0.3) for port in PORTS)


def test_a_removed_server_is_made_anew(mail: Mail) -> None:
    """After remove() there is no container, and restore() brings back one that answers."""
    mail.remove()
    assert mail.status() == "missing"
    mail.restore()
    mail.wait_until_up()


def test_docker_stops_and_starts_for_real(host: Host, engine: Engine, mail: Mail) -> None:
    """After stop() the socket is dead and stays so; after start() the container is back."""
    engine.stop()
    assert not engine.answers()
    assert host.try_run("systemctl is-active docker.service") == (3, "inactive")
    engine.start()
    mail.wait_until_up()


def test_the_inbox_takes_a_message(inbox: Inbox, host: Host) -> None:
    """A message that is sent from the host is accepted as Gotify does, with an integer id."""
    code, answer = _post(host, {"title": "one", "message": "two", "priority": 7})
    assert code == 200
    assert isinstance(json.loads(answer)["id"], int)
    message = inbox.wait_for(lambda message: message.title == "one", 1)
    assert (message.message, message.priority) == ("two", 7)
    assert _post(host, {"title": "", "message": ""})[0] == 400
    assert _post(host, {"message": "two"}, token="wrong")[0] == 401
    assert (len(inbox.messages), inbox.refused) == (1, 2)


def test_the_inbox_misbehaves_on_request(inbox: Inbox, host: Host) -> None:
    """It can fail, talk HTML, hang and be away; and it recovers from each."""
    inbox.manner = Manner.FAILS
    assert _post(host, {"message": "x"})[0] == 500
    inbox.manner = Manner.TALKS_HTML
    code, answer = _post(host, {"message": "x"})
    assert (code, answer[:5]) == (200, b"<!doc")
    inbox.manner = Manner.HANGS
    with pytest.raises(TimeoutError):
        _post(host, {"message": "x"}, within_s=1)
    inbox.go_away()
    with pytest.raises(ConnectionRefusedError):
        _post(host, {"message": "x"})
    inbox.clear()
    assert _post(host, {"message": "x"})[0] == 200
    assert len(inbox.messages) == 1


def test_waiting_says_what_never_happened() -> None:
    """A wait that fails names what was waited for and what was seen last."""
    with pytest.raises(NeverHappened, match=r"the moon: not within 0 s \(last seen: 0\)"):
        wait_until(lambda: 0, 0, "the moon")


def test_a_failed_command_says_why(host: Host) -> None:
    """A command that fails on the host raises with its code and what it said."""
    with pytest.raises(CommandFailed, match="failed with 7:\nlost"):
        host.run("echo lost; exit 7")


_ONE_RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.e2e.bed.host import Host
from tests.e2e.bed.images import HOST, built
host = Host(built(HOST))
host.boot()
print(host.leader, flush=True)
if sys.argv[2] == "end":
    host.end()
else:
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["end", "kill"])
def test_nothing_of_a_host_stays_behind(host: Host, how: str) -> None:
    """However a run ends, by itself or by SIGKILL, its processes, mounts and groups are gone."""
    run = subprocess.Popen(
        [sys.executable, "-c", _ONE_RUN, need.TOP, how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        assert run.stdout is not None
        leader = int(run.stdout.readline())
        if how == "kill":
            run.send_signal(signal.SIGKILL)
        run.wait(120)
    wait_until(lambda: not Path(f"/proc/{leader}").exists(), 10, "the end of the host")
    wait_until(lambda: _swept(run.pid), 10, "nothing to be left")
    assert f"run-{run.pid}-" not in Path("/proc/mounts").read_text()
    assert HOST.tree.exists()


def _swept(pid: int) -> bool:
    """What a killed run cannot remove itself, the next one does."""
    Host.sweep()
    cgroups.sweep()
    return not cgroups.left(pid) and not list(CACHE.glob(f"run-{pid}-*"))


@pytest.mark.parametrize("said", [need.AUTO, need.REQUIRE])
def test_where_all_is_there_the_tests_run(
    host: Host, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Auto and require both run, as root on a machine with apt."""
    monkeypatch.setenv(need.SWITCH, said)
    assert need.obstacle() == ""


def test_the_switch_leaves_the_tests_out_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off is a reason of its own, named as what it is."""
    monkeypatch.setenv(need.SWITCH, need.OFF)
    expected = "The end-to-end tests are left out because MAILWATCH_E2E=off asks for that."
    assert need.obstacle() == expected


def test_a_wrong_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the pen must not silently leave the tests out."""
    monkeypatch.setenv(need.SWITCH, "of")
    with pytest.raises(ValueError, match='MAILWATCH_E2E is "of": set it to require, auto or off'):
        need.obstacle()


def test_without_root_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person without root reads which command does have it."""
    monkeypatch.setenv(need.SWITCH, need.AUTO)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert need.obstacle() == "The end-to-end tests need root: run `sudo make test`."


def test_nothing_is_installed_unless_a_run_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bare `pytest` names the packages that are missing; `make test` installs them."""
    (tmp_path / "apt-get").symlink_to("/usr/bin/apt-get")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(need.SWITCH, raising=False)
    assert need.obstacle() == (
        "The end-to-end tests need debootstrap and systemd-container and util-linux: "
        "`make test` installs that."
    )
    monkeypatch.setenv(need.SWITCH, need.AUTO)
    assert need.obstacle() == ""
    (tmp_path / "apt-get").unlink()
    assert need.obstacle() == "The end-to-end tests need Debian's apt-get, which is not here."


def _post(
    host: Host, body: dict[str, object], token: str = TOKEN, within_s: float = 30
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=within_s)
    try:
        with inside(host.network):
            connection.connect()
        headers = {"X-Gotify-Key": token, "Content-Type": "application/json"}
        connection.request("POST", "/message", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
