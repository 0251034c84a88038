"""Canaries through real Postfix and Dovecot: beside each other, slow, put off, and as spam."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.bed.canary import CANARY
from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox
from tests.e2e.bed.mail import NAME
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("canary_password")]

PATIENT = "--set watch.attempt_timeout_s=30"
MAILDIR = "/var/mail/anna@example.test/Maildir"

Configure = Callable[..., None]


@pytest.fixture
def inside(engine: Engine, watcher: Watcher) -> Iterator[Callable[[str], str]]:
    """Runs a command in the mail server; its mailbox and queue are emptied afterwards."""
    assert watcher

    def run(command: str) -> str:
        return engine.docker("exec", NAME, "sh", "-c", command)

    yield run
    run(f"postsuper -d ALL; rm -rf {MAILDIR}")


@pytest.fixture
def postfix(inside: Callable[[str], str]) -> Iterator[Configure]:
    """Sets parameters of Postfix, `postfix(name=value)`, which it has no more afterwards."""
    names: list[str] = []

    def configure(**given: str) -> None:
        for name, value in given.items():
            inside(f"postconf -e '{name}={value}'")
            names.append(name)
        inside("postfix reload")

    yield configure
    inside("".join(f"postconf -X {name}; " for name in names) + "postfix reload")


@pytest.fixture
def dovecot(inside: Callable[[str], str]) -> Iterator[Configure]:
    """Adds text to Dovecot's configuration, which is taken away afterwards."""
    inside("cp /etc/dovecot/dovecot.conf /etc/dovecot/before")

    def configure(text: str) -> None:
        inside(f"printf '%b\\n' '{text}' >>/etc/dovecot/dovecot.conf; doveadm reload")

    yield configure
    inside("mv /etc/dovecot/before /etc/dovecot/dovecot.conf; doveadm reload")


def _check(host: Host, *options: str) -> dict[str, object]:
    _, said = host.try_run(f"mailwatch check --json {' '.join(options)}")
    (reading,) = json.loads(said)["services"]
    assert isinstance(reading, dict)
    return reading


def _canaries(inside: Callable[[str], str]) -> list[str]:
    found = inside(f"grep -rl ^X-Mailwatch-Canary {MAILDIR}/cur {MAILDIR}/new 2>/dev/null || true")
    # A message that was seen moves from new to cur, and gets flags after a colon.
    return [one.rpartition("/")[2].partition(":")[0] for one in found.split()]


def _leave_one(host: Host, inside: Callable[[str], str], postfix: Configure) -> str:
    """Let a `check` end before its message is delivered; return the name of its file."""
    postfix(defer_transports="lmtp")
    reading = _check(host, "--once --set watch.attempt_timeout_s=3")
    assert reading["verdict"] == "unmeasured", reading
    before = set(_canaries(inside))
    return _deliver(inside, before)


def _deliver(inside: Callable[[str], str], before: set[str]) -> str:
    """Let Postfix deliver the one message that it keeps; return the name of its file."""
    inside("postconf -X defer_transports; postfix reload")

    def new() -> set[str]:
        inside("postqueue -f")  # again and again: a queue manager that begins takes no hint
        return set(_canaries(inside)) - before

    (one,) = wait_until(new, 30, "the message to be delivered")
    return one


def test_a_check_leaves_the_services_canary_alone(
    watcher: Watcher,
    host: Host,
    inbox: Inbox,
    inside: Callable[[str], str],
    postfix: Configure,
) -> None:
    """Both submit, both find their own, and nobody is called."""
    postfix(defer_transports="lmtp")
    watcher.configure(
        services=[CANARY], watch={"interval_s": 25, "retries": 1, "attempt_timeout_s": 3}
    )
    watcher.start()
    watcher.wait_for_line("has not arrived yet")
    flying = _deliver(inside, set())
    reading = _check(host, PATIENT)
    assert reading["verdict"] == "pass", reading
    # On a slow machine the service's next round has come, and has removed its own.
    assert set(_canaries(inside)) <= {flying}
    watcher.wait_for_status("1 of 1 services answer", 60)
    assert _canaries(inside) == []
    assert inbox.messages == []


def test_the_doctor_sends_no_canary(
    watcher: Watcher, host: Host, inside: Callable[[str], str]
) -> None:
    """It tries both logins; the server takes no message."""
    watcher.configure(services=[CANARY], watch={"attempt_timeout_s": 30})
    _, said = host.try_run("mailwatch doctor --json")
    assert any("Canary:465 answers" in one["sentence"] for one in json.loads(said)["findings"])
    assert "is empty" in inside("postqueue -p")
    assert _canaries(inside) == []


def test_leftovers_of_this_host_go_after_a_day(
    watcher: Watcher, host: Host, inside: Callable[[str], str], postfix: Configure
) -> None:
    """Those of yesterday, and neither a young one nor another host's."""
    watcher.configure(services=[CANARY])
    old = _leave_one(host, inside, postfix)
    young = _leave_one(host, inside, postfix)
    other = f"{MAILDIR}/new/1.M1.other"
    inside(f"sed 's/^X-Mailwatch-Canary: host=/&x/' {MAILDIR}/*/{old}* >{other}")
    inside(f"chown vmail: {other}; touch -d '-2 days' {MAILDIR}/*/{old}* {other}")
    inside(f"rm -f {MAILDIR}/dovecot.index*")
    assert _check(host, PATIENT)["verdict"] == "pass"
    assert set(_canaries(inside)) == {young, "1.M1.other"}


def test_a_filter_that_takes_its_time_restarts_nothing(
    watcher: Watcher, host: Host, inbox: Inbox, inside: Callable[[str], str], postfix: Configure
) -> None:
    """Postfix answers the message after five seconds, an attempt has three."""
    postfix(smtpd_end_of_data_restrictions="sleep 5")
    started = host.run(f"docker inspect --format={{{{.State.StartedAt}}}} {NAME}")
    watcher.configure(services=[CANARY], watch={"attempt_timeout_s": 3})
    watcher.start()
    watcher.wait_for_status("1 of 1 services answer", 60)
    assert _canaries(inside) == []
    assert inbox.messages == []
    assert started == host.run(f"docker inspect --format={{{{.State.StartedAt}}}} {NAME}")


def test_a_greylist_calls_nobody(
    watcher: Watcher, host: Host, inbox: Inbox, postfix: Configure
) -> None:
    """The server asks for another try, which it gets; its words are told."""
    postfix(smtpd_end_of_data_restrictions="check_client_access static:{450 4.2.0 Greylisted}")
    watcher.configure(services=[CANARY], watch={"attempt_timeout_s": 30})
    reading = _check(host, "--once")
    assert reading["verdict"] == "unmeasured"
    assert "450 4.2.0" in str(reading["detail"])
    watcher.start()
    watcher.wait_for_line("Greylisted")
    assert inbox.messages == []


def test_without_uidplus_only_what_is_ours_goes(
    watcher: Watcher,
    host: Host,
    inside: Callable[[str], str],
    dovecot: Configure,
) -> None:
    """A message that its owner has marked stays, and so does ours until that is decided."""
    watcher.configure(services=[CANARY])
    dovecot("imap_capability = IMAP4rev1 LITERAL+ IDLE")
    reading = _check(host, PATIENT)
    assert reading["verdict"] == "pass", reading
    assert _canaries(inside) == []
    marked = f"{MAILDIR}/cur/1.M1.marked:2,T"
    inside(f"printf 'Subject: mine\\n\\nmine\\n' >{marked}; chown vmail: {marked}")
    assert _check(host, PATIENT)["verdict"] == "pass"
    assert "marked" in inside(f"ls {MAILDIR}/cur")
    assert len(_canaries(inside)) == 1
    inside(f"rm {marked}")

    def all_are_gone() -> bool:
        assert _check(host, PATIENT)["verdict"] == "pass"
        return _canaries(inside) == []

    # Dovecot may remember the file for a moment.
    wait_until(all_are_gone, 30, "the mailbox to be swept")


def test_a_canary_among_the_spam_is_told_as_that(
    watcher: Watcher,
    inbox: Inbox,
    inside: Callable[[str], str],
    postfix: Configure,
    dovecot: Configure,
) -> None:
    """The message to the admin names the folder, and it is removed there."""
    postfix(recipient_delimiter="+")
    dovecot(
        "recipient_delimiter = +\\nlmtp_save_to_detail_mailbox = yes\\nnamespace inbox {\\n"
        "inbox = yes\\nmailbox Junk {\\nauto = create\\nspecial_use = \\\\Junk\\n}\\n}"
    )
    recipient = "anna+Junk@example.test"
    watcher.configure(
        services=[{**CANARY, "recipient": recipient, "within_s": 6}],
        watch={"attempt_timeout_s": 10},
    )
    watcher.start()
    message = inbox.wait_for(lambda one: "needs you" in one.title, 60)
    assert "the message lies in Junk and not in the INBOX" in message.message
    assert inside(f"grep -rl ^X-Mailwatch-Canary {MAILDIR}/.Junk/cur || true") == ""
