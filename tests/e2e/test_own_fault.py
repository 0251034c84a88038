"""A fault of the host itself: nothing can be heard over loopback, the control listener included."""

from __future__ import annotations

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import PORT, Inbox, Received
from tests.e2e.bed.mail import Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e

SERVICES = ("SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443")
WELL = "4 of 4 services answer"
BLIND = "0 of 4 services answer, 4 could not be looked at"
SYNS = f"INPUT -i lo -p tcp --syn ! --dport {PORT}"
FIREWALLS = {
    "drops": f"{SYNS} -j DROP",
    "refuses": f"{SYNS} -j REJECT --reject-with tcp-reset",
}
"""Rules for all connections over loopback but those to the inbox."""


def cannot_look(message: Received) -> bool:
    """Whether the message says that mailwatch could not look."""
    return " cannot look at " in message.title


def can_look_again(message: Received) -> bool:
    """Whether the message says that this is over."""
    return message.title == "mailwatch on mailhost can look again"


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
        notice = inbox.wait_for(cannot_look, 60)
        assert all(f"- {name}: a fault of this host: " in notice.message for name in SERVICES)
    finally:
        host.run(f"iptables -D {FIREWALLS[firewall]}")
    last = inbox.wait_for(can_look_again, 60)
    impatient.wait_for_status(WELL)
    assert inbox.messages == [notice, last]
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
        wait_until(lambda: impatient.undelivered() == 1, 30, "the notice in the outbox")
    finally:
        host.run("ip link set lo up")
    last = inbox.wait_for(can_look_again, 60)
    impatient.wait_for_status(WELL)
    first, second = inbox.messages
    assert cannot_look(first)
    assert second == last
    assert "incident" not in impatient.journal()
    assert mail.started_at() == before
