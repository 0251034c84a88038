"""What no restart cures: a person is called at once, and the mail server is left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.watcher import Watcher

pytestmark = pytest.mark.e2e


def _calls_a_person(message: Received) -> bool:
    return message.priority == 10


@pytest.fixture
def altered(mail: Mail) -> Iterator[Mail]:
    """The mail server, whose files a test may change; it is made anew afterwards."""
    yield mail
    mail.remove()


def test_a_damaged_configuration_in_a_crash_loop(
    watcher: Watcher, host: Host, engine: Engine, altered: Mail, inbox: Inbox
) -> None:
    """Docker starts it again and again, and it is for ever coming up: the log tells why."""
    # As by default, each start of Docker's gets longer to come up than it lasts.
    watcher.configure(restart={"settle_s": 15})
    watcher.start()
    watcher.wait_for_status("4 of 4 services answer")
    engine.docker("exec", NAME, "sh", "-c", "echo 'nonsense = yes' >>/etc/dovecot/dovecot.conf")
    engine.docker("restart", NAME)
    call = inbox.wait_for(_calls_a_person, 120)
    first, *others = call.message.splitlines()
    assert first.startswith("No restart cures this: Dovecot cannot use its configuration: Error in")
    # How the server ended may stand between.
    assert any(line.startswith("What to do: Correct what it names") for line in others[:2])
    (incident,) = json.loads(host.run("mailwatch incidents --json"))
    assert incident["cause_code"] == "server-config-damaged"
    assert (incident["hold"], incident["restarts"]) == ("hopeless", [])
