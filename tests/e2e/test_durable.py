"""The installed service is killed in an incident: one story, one restart, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import UNIT, Watcher

pytestmark = pytest.mark.e2e

WELL = "4 of 4 services answer"


def opened(message: Received) -> bool:
    """Whether the message is the one that opens an incident."""
    return message.title.startswith("Mail is down on mailhost: ")


def recovered(message: Received) -> bool:
    """Whether the message is the one that closes an incident."""
    return message.title.startswith("Mail flows again on mailhost")


def kill(host: Host, watching: Watcher) -> None:
    """End the service as `kill -9` does, and wait until systemd has started it again."""
    before = watching.pid
    host.run(f"systemctl kill --kill-whom=main --signal=KILL {UNIT}")
    wait_until(lambda: watching.pid not in (0, before), 30, "systemd to start the service again")


def starts_of_the_container(engine: Engine, host: Host, since: str) -> int:
    """Return how many times the container was started since `since` (seconds since 1970)."""
    until = host.run("date +%s")
    said = engine.docker(
        "events", "--since", since, "--until", until, "--filter", f"container={NAME}",
        "--filter", "event=start", "--format", "{{.Action}}",
    )  # fmt: skip
    return len(said.splitlines())


def the_one_incident(host: Host) -> dict[str, object]:
    """Return what `mailwatch incidents --json` has, which must be one."""
    (incident,) = json.loads(host.run("mailwatch incidents --json"))
    assert isinstance(incident, dict)
    return incident


def as_the_restart_begins(watching: Watcher, _inbox: Inbox) -> None:
    """The call to Docker is on its way, or under way: a hung container takes a second to end."""
    watching.wait_for_line("restarting container stalwart, attempt 1")


def when_the_phone_rings(_watching: Watcher, inbox: Inbox) -> None:
    """The first message has just come."""
    inbox.wait_for(opened, 30)


def while_it_settles(watching: Watcher, _inbox: Inbox) -> None:
    """The restart is done, and nobody has looked yet whether it helped."""
    watching.wait_for_line("container stalwart was restarted")


@pytest.fixture
def watching(watcher: Watcher) -> Watcher:
    """mailwatch, started as the README says, that has seen all four services answer."""
    watcher.configure(restart={"settle_s": 3})
    watcher.start()
    watcher.wait_for_status(WELL)
    return watcher


@pytest.mark.parametrize("moment", [as_the_restart_begins, when_the_phone_rings, while_it_settles])
def test_killed_during_an_incident_it_goes_on_with_that_one(
    watching: Watcher,
    mail: Mail,
    inbox: Inbox,
    host: Host,
    engine: Engine,
    moment: Callable[[Watcher, Inbox], None],
) -> None:
    """`kill -9` at the worst moments: one opened, one recovered, and one start of the container."""
    since = host.run("date +%s")
    before = mail.started_at()
    mail.hang()
    moment(watching, inbox)
    kill(host, watching)
    inbox.wait_for(recovered, 120)
    watching.wait_until_well()
    assert mail.started_at() != before
    assert starts_of_the_container(engine, host, since) == 1
    incident = the_one_incident(host)
    assert incident["closed"] is not None
    for message in inbox.messages:
        assert f"Incident {incident['id']}" in message.message
    # What was on its way when the service died may come twice, one right after the other.
    first, last = (told for told, _ in groupby(inbox.messages, key=lambda message: message.text))
    assert first.startswith("Mail is down on mailhost: ")
    assert last.startswith("Mail flows again on mailhost\n")


def test_an_inbox_that_is_away_for_the_whole_incident_reads_all_of_it_at_once(
    watching: Watcher, mail: Mail, inbox: Inbox, host: Host, engine: Engine
) -> None:
    """The service is killed as well, twice: when the inbox is back, one message tells it all."""
    since = host.run("date +%s")
    inbox.go_away()
    mail.hang()
    watching.wait_for_line("could not send 'Mail is down on mailhost: ")
    kill(host, watching)
    watching.wait_for_line(" is over after ", 120)
    kill(host, watching)
    inbox.come_back()
    story = inbox.wait_for(recovered, 120)
    watching.wait_for_line("sent: Mail flows again")
    assert inbox.messages == [story]
    assert story.title == "Mail flows again on mailhost"
    assert "Mail is down on mailhost: all 4 services" in story.message
    assert "The restart of container stalwart at " in story.message
    assert "could not be sent" in story.message
    assert f"Incident {the_one_incident(host)['id']}" in story.message
    assert starts_of_the_container(engine, host, since) == 1
