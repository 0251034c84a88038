"""The service under systemd: start, status, reload, signals, the watchdog and bad configuration."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import FILE, UNIT, Watcher

pytestmark = pytest.mark.e2e

SERVICES = ("SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443")
WELL = "4 of 4 services answer"


def test_enabled_and_started_it_watches_and_says_so(
    watcher: Watcher, host: Host, inbox: Inbox
) -> None:
    """`systemctl enable --now` ends when it is READY; the status line says what it sees."""
    watcher.configure(watch={"interval_s": 60})
    watcher.start()
    assert watcher.show("ActiveState") == "active"
    assert watcher.show("UnitFileState") == "enabled"
    watcher.wait_for_status(f"{WELL}; next check 20")
    assert "watches 4 services every 60 s" in watcher.journal()
    assert inbox.messages == []


def test_it_runs_as_its_own_user_without_rights(watcher: Watcher, host: Host) -> None:
    """The process is user mailwatch, with no capability, and no way to gain any."""
    watcher.start()
    status = host.run(f"cat /proc/{watcher.pid}/status")
    assert host.run(f"stat -c %U /proc/{watcher.pid}") == "mailwatch"
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in status


def test_no_secret_leaves_the_file(watcher: Watcher, host: Host, inbox: Inbox) -> None:
    """The token is in neither the journal, the arguments, the environment nor the status."""
    watcher.configure(log={"level": "debug"})
    watcher.start()
    watcher.wait_for_status(WELL)
    inbox.manner = inbox.manner.FAILS
    host.run(f"systemctl kill --signal=HUP {UNIT}")
    watcher.wait_for_line("the configuration was reloaded")
    token = "AbcDefGhiJklMno"
    seen = host.run(
        f"tr '\\0' '\\n' </proc/{watcher.pid}/cmdline; tr '\\0' '\\n' </proc/{watcher.pid}/environ;"
        f" systemctl status {UNIT}; systemctl show {UNIT}; mailwatch config show"
    )
    assert token not in seen
    assert token not in watcher.journal()
    assert host.run(f"stat -c '%a %U:%G' {FILE}") == "640 root:mailwatch"


@pytest.mark.parametrize("hung", [False, True])
def test_sigterm_ends_it_at_once(watcher: Watcher, mail: Mail, hung: bool) -> None:
    """While all is well, or in the middle of an attempt of a minute: it ends by itself, with 0."""
    if hung:
        watcher.configure(watch={"attempt_timeout_s": 40, "retries": 100})
        mail.hang()
        watcher.start()
    else:
        watcher.start()
        watcher.wait_for_status(WELL)
    watcher.stop()
    assert watcher.show("Result") == "success"
    assert watcher.show("ExecMainStatus") == "0"
    assert "stopped by SIGTERM" in watcher.journal()
    began, ended = (
        int(watcher.show(f"{name}TimestampMonotonic")) for name in ("ActiveExit", "ExecMainExit")
    )
    assert ended - began < 30_000_000


def test_a_reload_takes_the_new_file(watcher: Watcher, host: Host) -> None:
    """A good file is in force after `systemctl reload`, in the same process."""
    watcher.start()
    watcher.wait_for_status(WELL)
    pid = watcher.pid
    watcher.configure(services=[{"name": "SUBMISSION", "port": 587}, {"name": "IMAP", "port": 143}])
    watcher.reload()
    watcher.wait_for_line("the configuration was reloaded")
    watcher.wait_for_status("2 of 2 services answer")
    assert watcher.pid == pid
    assert watcher.show("ActiveState") == "active"


def test_a_reload_of_a_bad_file_keeps_the_old_one(watcher: Watcher, host: Host) -> None:
    """The reload fails, each mistake is named with its key, and the watching goes on as before."""
    watcher.start()
    watcher.wait_for_status(WELL)
    pid = watcher.pid
    watcher.configure(watch={"retries": 0, "intervall_s": 5})
    assert host.try_run(f"systemctl reload {UNIT}")[0] != 0
    code, said = host.try_run("mailwatch reload")
    assert code == 78
    assert "watch.retries" in said
    watcher.wait_for_line("the configuration was not reloaded, so the old one stays in force")
    watcher.wait_for_line("watch.retries")
    watcher.wait_for_line("watch.intervall_s")
    watcher.wait_until_well()
    assert watcher.pid == pid


def test_the_service_answers_for_itself(watcher: Watcher, host: Host) -> None:
    """Running, paused, with a bad file on the disk, hung and stopped: status says what is so.

    An ordinary user is told how to ask. One who hangs or is flooded is told of within seconds.
    """
    watcher.start()
    watcher.wait_for_status(WELL)
    assert host.try_run("mailwatch status")[0] == 0
    assert host.try_run("mailwatch pause 2h")[0] == 0
    watcher.wait_for_line("by root")
    host.write(FILE, "retries = nonsense\n")
    code, said = host.try_run("mailwatch status")
    assert (code, "Paused until" in said) == (1, True), said
    assert host.try_run("mailwatch resume")[0] == 0
    watcher.wait_for_line("the pause was ended, by root")
    code, said = host.try_run("runuser -u nobody -- mailwatch status")
    assert code == 3
    assert "run it with sudo" in said
    host.run(f"kill -STOP {watcher.pid}")
    code, said = host.try_run("timeout 20 mailwatch pause")
    host.run(f"kill -CONT {watcher.pid}")
    assert code == 3
    assert "has not answered for 2 s" in said
    watcher.stop()
    for command in ("status", "pause", "resume", "reload"):
        code, said = host.try_run(f"mailwatch {command}")
        assert (code, said.startswith("mailwatch is not running")) == (3, True), said


def test_a_bad_file_ends_the_start_for_good(watcher: Watcher, host: Host) -> None:
    """Exit 78, every mistake in the journal, and systemd does not try again."""
    watcher.configure(watch={"retries": "three"}, services=[{"name": "SMTP", "port": 99999}])
    code, _ = host.try_run(f"systemctl start {UNIT}")
    assert code != 0
    assert watcher.show("ExecMainStatus") == "78"
    assert watcher.show("ActiveState") == "failed"
    assert watcher.show("NRestarts") == "0"
    for key in ("watch.retries", "services[1].port"):
        assert key in watcher.journal()


def test_a_file_of_zeros_is_told_apart(watcher: Watcher, host: Host) -> None:
    """What a crash of the host makes of a file is named as that."""
    host.write(FILE, "\0" * 512)
    code, said = host.try_run("mailwatch config check")
    assert code == 78
    assert "nothing but zero bytes" in said


def test_a_stopped_process_is_killed_and_leaves_its_traceback(watcher: Watcher, host: Host) -> None:
    """A process that stands still misses its watchdog: SIGABRT, a traceback, a new process."""
    watcher.drop_in("[Service]\nWatchdogSec=10\nRestartSec=100ms\n")
    watcher.start()
    watcher.wait_for_status(WELL)
    pid = watcher.pid
    host.run(f"kill -STOP {pid}")
    # systemd sends SIGCONT after SIGABRT, so that the process can do as it is told.
    watcher.wait_for_line("Watchdog timeout")
    watcher.wait_for_line("Fatal Python error: Aborted")
    watcher.wait_for_line("/mailwatch/service/daemon.py")
    watcher.wait_for_line("Failed with result 'watchdog'")
    wait_until(lambda: watcher.pid not in (0, pid), 30, "a new process")
    watcher.wait_for_status(WELL)
    assert watcher.show("NRestarts") == "1"


def test_a_check_that_no_deadline_reaches_holds_up_nothing(
    watcher: Watcher, host: Host, mail: Mail
) -> None:
    """A CA file that has become a pipe blocks its reader for good: that service could not be
    looked at, the others are watched as before, nothing is restarted, and it ends by itself."""
    ca_file = "/etc/ssl/mail-ca.pem"
    host.run(f"docker cp {NAME}:/etc/ssl/mail.crt {ca_file}")
    smtps = {"name": "SMTPS", "port": 465, "ca_file": ca_file, "server_name": "localhost"}
    watcher.configure(services=[{"name": "SMTP", "port": 25}, smtps])
    watcher.start()
    watcher.wait_for_status("2 of 2 services answer")
    pid, started = watcher.pid, mail.started_at()
    host.run(f"mv {ca_file} {ca_file}.good; mkfifo -m 0644 {ca_file}")
    watcher.wait_for_line("SMTPS:465: could not check: ")
    watcher.wait_for_status("1 of 2 services answer, 1 could not be checked")
    host.run(f": >{ca_file}; mv {ca_file}.good {ca_file}")
    watcher.wait_for_status("2 of 2 services answer")
    assert (watcher.pid, mail.started_at()) == (pid, started)
    host.run(f"rm {ca_file}")


def test_the_watchdog_is_fed_while_services_hang(watcher: Watcher, mail: Mail) -> None:
    """An outage that lasts longer than the watchdog is no hang of mailwatch."""
    watcher.drop_in("[Service]\nWatchdogSec=5\n")
    watcher.configure(restart={"container": "nobody"})
    watcher.start()
    watcher.wait_for_status(WELL)
    pid = watcher.pid
    mail.hang()
    watcher.wait_for_status("0 of 4 services answer")
    fed = int(watcher.show("WatchdogTimestampMonotonic"))
    wait_until(
        lambda: int(watcher.show("WatchdogTimestampMonotonic")) > fed + 8_000_000, 60, "pings"
    )
    assert watcher.pid == pid
    assert "Watchdog timeout" not in watcher.journal()


def test_a_watchdog_in_a_hurry_is_warned_of(watcher: Watcher) -> None:
    """A unit whose watchdog leaves no room for a busy disk starts, and says what to set."""
    watcher.drop_in("[Service]\nWatchdogSec=3\n")
    watcher.start()
    assert "set WatchdogSec=10 or more" in watcher.wait_for_line("WatchdogSec is 3 in the unit")


def test_a_token_can_come_as_a_systemd_credential(
    watcher: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """The unit reads /etc/credstore/gotify-token, and no file of mailwatch has the token."""
    host.run("install -d -m 0700 /etc/credstore")
    host.run("umask 077; echo AbcDefGhiJklMno >/etc/credstore/gotify-token")
    try:
        watcher.configure(gotify={"url": "http://127.0.0.1:8070", "timeout_s": 2})
        text = "\n".join(
            line for line in host.read(FILE).splitlines() if not line.startswith("token")
        )
        host.write(FILE, text)
        watcher.start()
        watcher.wait_for_status(WELL)
        mail.hang()
        inbox.wait_for(lambda message: "Mail is down" in message.title, 30)
    finally:
        host.run("rm /etc/credstore/gotify-token")


def test_check_shows_each_service(watcher: Watcher, host: Host, mail: Mail) -> None:
    """`mailwatch check` against real servers: 0 and all pass, then 2 and all silent."""
    code, said = host.try_run("mailwatch check --json")
    assert code == 0
    services = json.loads(said)["services"]
    assert [one["service"] for one in services] == [
        "SMTP:25",
        "SMTPS:465",
        "IMAPS:993",
        "HTTPS:443",
    ]
    assert {one["verdict"] for one in services} == {"pass"}
    mail.hang()
    code, said = host.try_run("mailwatch check --json")
    assert code == 2
    # TLS begins before the greeting, so a hang shows itself there as a timeout of the handshake.
    faults = {one["service"]: one["fault"] for one in json.loads(said)["services"]}
    assert faults["SMTP:25"] == "silent"
    assert set(faults.values()) <= {"silent", "timeout", "tls"}


def test_every_protocol_of_the_server_is_spoken(watcher: Watcher, host: Host) -> None:
    """All protocols that mailwatch knows pass against Postfix, Dovecot and nginx."""
    ports = {"SMTP": 25, "SMTPS": 465, "SUBMISSION": 587, "IMAP": 143, "IMAPS": 993, "HTTP": 80}
    ports |= {"HTTPS": 443, "Sieve-as-TCP": 4190}
    watcher.configure(services=[{"name": name, "port": port} for name, port in ports.items()])
    code, said = host.try_run("mailwatch check --json")
    assert code == 0, said


def test_the_servers_saw_nothing_to_complain_of(watcher: Watcher, host: Host, mail: Mail) -> None:
    """Rounds leave no error in the server's log: no improper command, no aborted login or TLS."""
    # A round that the end of the service cuts off would be one, so it has one round alone.
    watcher.configure(watch={"interval_s": 3600, "attempt_timeout_s": 30})
    mark = host.run("date --utc +%Y-%m-%dT%H:%M:%S.%NZ")
    watcher.start()
    watcher.wait_for_status(f"{WELL}; next check")
    for _ in range(3):
        assert host.try_run("mailwatch check")[0] == 0
    watcher.stop()
    log = host.run(f"docker logs --since {mark} {NAME}")
    complaints = re.findall(
        r".*(?:improper|lost connection|SSL_accept error|timeout after|too many|warning:).*"
        r"|.*Disconnected: (?!Aborted login by logging out).*",
        log,
    )
    assert complaints == []


def test_a_test_notification_reaches_the_inbox(watcher: Watcher, host: Host, inbox: Inbox) -> None:
    """The admin can see the phone ring before it matters; a refusal is said in a sentence."""
    host.run("mailwatch test-notification")
    inbox.wait_for(lambda message: "mailhost" in message.text, 10)
    inbox.go_away()
    code, said = host.try_run("mailwatch test-notification")
    assert code != 0
    assert "Traceback" not in said
    assert "127.0.0.1:8070" in said
