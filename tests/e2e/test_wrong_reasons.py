"""What looks like a sick server and is none: a person is told, and the mail server left alone."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Table, Watcher

pytestmark = pytest.mark.e2e


def _unwatched(message: Received) -> bool:
    """Whether the message says that nothing fails which is still watched."""
    return message.title == "No watched service fails on mailhost"


def _calls_a_person(message: Received) -> bool:
    return message.priority == 10


def _opened(message: Received) -> bool:
    return message.priority == 5 and message.title.startswith("Mail is down on mailhost: ")


def _recovered(message: Received) -> bool:
    return message.title == "Mail flows again on mailhost"


@pytest.fixture
def altered(mail: Mail) -> Iterator[Mail]:
    """The mail server, whose files a test may change; it is made anew afterwards."""
    yield mail
    mail.remove()


def _offer(engine: Engine, mail: Mail, version: str) -> None:
    """Let nginx speak this version of TLS alone, now and after a restart."""
    engine.docker(
        "exec", NAME, "sh", "-ec",
        f"echo 'ssl_protocols {version};' >/etc/nginx/protocols.conf; "
        "grep -q protocols.conf /etc/nginx/nginx.conf || "
        "sed -i 's|^http {|&\\n    include /etc/nginx/protocols.conf;|' /etc/nginx/nginx.conf; "
        "nginx -s reload",
    )  # fmt: skip

    def is_spoken() -> bool:
        with suppress(OSError), mail.connected(443, 10) as peer:
            return isinstance(peer, ssl.SSLSocket) and peer.version() == version
        return False

    # The workers of before may take a connection yet.
    wait_until(is_spoken, 10, f"nginx to speak {version}")


HTTPS: Table = {"name": "HTTPS", "port": 443, "minimum_tls": "1.3"}
SMTP: Table = {"name": "SMTP", "port": 25}


def test_a_mistake_in_our_configuration_restarts_nothing(
    watcher: Watcher, host: Host, engine: Engine, altered: Mail, inbox: Inbox
) -> None:
    """TLS 1.3 wanted of a server of 1.2, wrong protocol, TLS or none: one call, with keys."""
    _offer(engine, altered, "TLSv1.2")
    before = altered.started_at()
    wrong: list[Table] = [
        HTTPS,
        {"name": "SUBMISSION", "port": 587, "probe": "imap"},
        {"name": "IMAP", "port": 143, "tls": "implicit"},
        {"name": "POP3", "port": 995},
    ]
    watcher.configure(services=[SMTP, *wrong])
    watcher.start()
    call = inbox.wait_for(_calls_a_person, 30)
    assert "mailwatch has never seen" in call.message
    assert "answer as configured now" in call.message
    assert "compare port, probe, tls" in call.message
    _, said = host.try_run("mailwatch status")
    never = "HTTPS:443, SUBMISSION:587, IMAP:143 and POP3:995 have never answered as configured now"
    assert never in said
    watcher.configure(services=[SMTP])
    watcher.reload()
    last = inbox.wait_for(_unwatched, 30)
    assert "are no longer watched; it is not known whether they answer" in last.message
    assert "mailwatch did not restart container stalwart." in last.message
    assert inbox.messages == [call, last]
    assert altered.started_at() == before


def test_a_ban_in_words_is_told_with_its_cure_and_never_restarted_for(
    watcher: Watcher, engine: Engine, altered: Mail, inbox: Inbox
) -> None:
    """Real Postfix rejects this host: one call has its words and the address to allow-list."""
    gateway = engine.docker("inspect", "--format={{.NetworkSettings.Gateway}}", NAME)
    before = altered.started_at()
    watcher.configure(services=[SMTP, {"name": "IMAPS", "port": 993}])
    watcher.start()
    watcher.wait_for_status("2 of 2 services answer")
    engine.docker(
        "exec", NAME, "sh", "-ec",
        "postconf -e smtpd_delay_reject=no smtpd_client_restrictions=reject; postfix reload",
    )  # fmt: skip
    call = inbox.wait_for(_calls_a_person, 30)
    assert "'554 5.7.1 <unknown[" in call.message
    assert "Client host rejected" in call.message
    assert f"turns away {gateway} (this host, as it sees it)" in call.message
    engine.docker(
        "exec", NAME, "sh", "-ec", "postconf -e smtpd_client_restrictions=; postfix reload"
    )
    last = inbox.wait_for(_recovered, 30)
    assert inbox.messages == [call, last]
    assert altered.started_at() == before


def test_what_was_proven_before_a_restart_of_mailwatch_is_still_healed(
    watcher: Watcher, engine: Engine, altered: Mail, inbox: Inbox
) -> None:
    """The same fault, in a service that answered the process before as configured, restarts."""
    _offer(engine, altered, "TLSv1.3")
    before = altered.started_at()
    watcher.configure(services=[SMTP, HTTPS])
    watcher.start()
    watcher.wait_for_status("2 of 2 services answer")
    watcher.stop()
    _offer(engine, altered, "TLSv1.2")
    watcher.start()
    inbox.wait_for(_opened, 30)
    wait_until(lambda: altered.started_at() > before, 30, "the container to be restarted")


def test_a_firewall_that_swallows_what_we_send_is_told_and_never_restarted_for(
    watcher: Watcher, host: Host, engine: Engine, mail: Mail, inbox: Inbox
) -> None:
    """A ban as fail2ban's: docker-proxy accepts and waits, as before a server that hangs."""
    pid = engine.docker("inspect", "--format={{.State.Pid}}", NAME)
    gateway = engine.docker("inspect", "--format={{.NetworkSettings.Gateway}}", NAME)
    before = mail.started_at()
    watcher.configure(services=[SMTP, {"name": "IMAPS", "port": 993}])
    watcher.start()
    watcher.wait_for_status("2 of 2 services answer")
    rule = f"-p tcp -s {gateway} -j DROP"
    host.run(f"nsenter -t {pid} -n iptables -I INPUT {rule}")
    try:
        call = inbox.wait_for(_calls_a_person, 40)
    finally:
        host.run(f"nsenter -t {pid} -n iptables -D INPUT {rule}")
    assert "cut off by a packet filter" in call.message
    assert f"drops what comes from {gateway} (this host" in call.message
    last = inbox.wait_for(_recovered, 60)
    assert inbox.messages == [call, last]
    assert mail.started_at() == before
