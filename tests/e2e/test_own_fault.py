"""A fault of the host itself: nothing can be heard over loopback, the control listener included."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import PORT, Inbox, Received
from tests.e2e.bed.mail import Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

SERVICES = ("SMTP", "SMTPS", "IMAPS", "HTTPS")
WELL = "4 of 4 services answer"
BLIND = "0 of 4 services answer, 4 could not be checked"
SYNS = f"INPUT -i lo -p tcp --syn ! --dport {PORT}"
FIREWALLS = {
    "drops": f"{SYNS} -j DROP",
    "refuses": f"{SYNS} -j REJECT --reject-with tcp-reset",
}
"""Rules for all connections over loopback but those to the inbox."""


def cannot_look(message: Received) -> bool:
    """Whether the message says that mailwatch could not look."""
    return " cannot check " in message.title


def can_look_again(message: Received) -> bool:
    """Whether the message says that this is over."""
    return message.title == "mailwatch on mailhost can check again"


def named(inbox: Inbox, kind: Callable[[Received], bool]) -> list[str]:
    """Return the services that the messages of this kind name, in the order of the alphabet.

    The fault may begin or end in the middle of a round: then what it saw of it is told apart.
    """
    told = [one.text for one in inbox.messages if kind(one)]
    return sorted(name for text in told for name in SERVICES if re.search(rf"\b{name}\b", text))


@pytest.fixture
def impatient(watcher: Watcher) -> Watcher:
    """mailwatch that has seen all answer, and tells after 3 s that it cannot look."""
    watcher.configure(watch={"unmeasured_after_s": 3})
    watcher.start()
    watcher.wait_for_status(WELL)
    return watcher


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_firewall_that_keeps_us_from_ourselves_is_no_outage(
    firewall: str, impatient: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """Nothing is restarted; one notice is sent when it lasts, and one when it is over."""
    before = mail.started_at()
    host.run(f"iptables -I {FIREWALLS[firewall]}")
    try:
        impatient.wait_for_status(BLIND)
        inbox.wait_for(cannot_look, 60)
        wait_until(lambda: named(inbox, cannot_look) == sorted(SERVICES), 30, "all to be named")
    finally:
        host.run(f"iptables -D {FIREWALLS[firewall]}")
    wait_until(lambda: named(inbox, can_look_again) == sorted(SERVICES), 60, "all to be seen again")
    impatient.wait_for_status(WELL)
    for notice in filter(cannot_look, inbox.messages):
        reasons = re.findall("^- .*", notice.message, re.MULTILINE)
        assert reasons
        assert all(": a fault of this host: " in reason for reason in reasons)
    assert all(cannot_look(one) or can_look_again(one) for one in inbox.messages)
    assert "incident" not in impatient.journal()
    assert mail.started_at() == before


def test_a_host_without_loopback_is_no_outage(
    impatient: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """Nothing is restarted, and the notice, which could not leave, arrives when it is mended."""
    before = mail.started_at()
    host.run("ip link set lo down")
    try:
        impatient.wait_for_status(BLIND)
        wait_until(lambda: impatient.undelivered() >= 1, 30, "the notice in the outbox")
    finally:
        host.run("ip link set lo up")
    inbox.wait_for(can_look_again, 60)
    blind = named(inbox, cannot_look)
    assert blind
    wait_until(lambda: named(inbox, can_look_again) == blind, 60, "all to be seen again")
    impatient.wait_for_status(WELL)
    assert all(cannot_look(one) or can_look_again(one) for one in inbox.messages)
    assert "incident" not in impatient.journal()
    assert mail.started_at() == before
