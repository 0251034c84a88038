"""From a fault of the mail server to the messages on the admin's phone, with nothing faked."""

from __future__ import annotations

import re

import pytest

from tests.e2e.bed.engine import Engine
from tests.e2e.bed.host import Host
from tests.e2e.bed.inbox import Inbox, Received
from tests.e2e.bed.mail import NAME, Mail
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import UNIT, Watcher

pytestmark = pytest.mark.e2e

WELL = "4 of 4 services answer"
SERVICES = ("SMTP:25", "SMTPS:465", "IMAPS:993", "HTTPS:443")
FOR_A_PERSON = 10
ORDINARY = 5


def opened(message: Received) -> bool:
    """Whether the message is the one that opens an incident."""
    return message.priority == ORDINARY and message.title.startswith("Mail is down on mailhost: ")


def recovered(message: Received) -> bool:
    """Whether the message is the one that closes an incident."""
    return message.priority == ORDINARY and message.title == "Mail flows again on mailhost"


def left_alone(message: Received) -> bool:
    """Whether the message says that the container is left alone on purpose."""
    return message.priority == ORDINARY and message.title.endswith("left alone")


def calls_a_person(message: Received) -> bool:
    """Whether the message has the highest priority."""
    return message.priority == FOR_A_PERSON


def incident_of(message: Received) -> str:
    """Return the id of the incident that the message is about."""
    found = re.search(r"^Incident (\S+)$", message.message, re.MULTILINE)
    assert found, message.text
    return found[1]


@pytest.fixture
def watching(watcher: Watcher) -> Watcher:
    """mailwatch, started as the README says, that has seen all four services answer."""
    return _watching(watcher)


@pytest.fixture
def impatient(watcher: Watcher) -> Watcher:
    """One that calls a person when the server does not answer 3 s after a restart."""
    return _watching(watcher, verify_for_s=3)


@pytest.fixture
def patient(watcher: Watcher) -> Watcher:
    """One that lets a container come up for 15 s, whoever has started it."""
    return _watching(watcher, settle_s=15)


def _watching(watcher: Watcher, **restart: float) -> Watcher:
    watcher.configure(restart=restart)
    watcher.start()
    watcher.wait_for_status(WELL)
    return watcher


def test_a_hang_is_found_told_cured_and_told_again(
    watching: Watcher, mail: Mail, inbox: Inbox
) -> None:
    """A real hang: one message, the restart, mail flows again, one more message, and no other."""
    before = mail.started_at()
    mail.hang()
    first = inbox.wait_for(opened, 30)
    last = inbox.wait_for(recovered, 60)
    assert mail.started_at() > before
    assert mail.answers()
    watching.wait_until_well()
    assert inbox.messages == [first, last]
    failing = {one for one in SERVICES if re.search(rf"\b{one.split(':')[0]}\b", first.message)}
    assert failing == watching.failures()
    assert re.search("[Rr]estart(s|ing) container stalwart now", first.message)
    assert re.search("The restart of container stalwart at .* helped", last.message)
    assert incident_of(first) == incident_of(last)


def test_the_journal_tells_the_whole_story(watching: Watcher, mail: Mail, inbox: Inbox) -> None:
    """Each turn of the incident is a line of the journal, with the priority it deserves."""
    mail.hang()
    incident = incident_of(inbox.wait_for(recovered, 90))
    watching.wait_for_line(f"incident {incident} is over after ")
    lines = watching.journal()
    one = min(watching.failures())
    turns = [
        "all well at the first check",
        f"{one} fails: ",
        "restarting container stalwart, attempt 1",
        "container stalwart was restarted",
        f"{one} answers again",
        f"incident {incident} is over",
    ]
    places = [lines.find(turn) for turn in turns]
    assert f"incident {incident} opens" in lines
    assert -1 not in places, lines
    assert places == sorted(places), lines


def test_one_service_that_fails_alone_is_enough(
    watching: Watcher, mail: Mail, inbox: Inbox
) -> None:
    """Only nginx hangs: the message names HTTPS and nothing else, and the restart cures it."""
    before = mail.started_at()
    mail.hang("nginx")
    first = inbox.wait_for(opened, 30)
    assert first.title == "Mail is down on mailhost: HTTPS"
    inbox.wait_for(recovered, 60)
    assert mail.started_at() > before


def test_a_person_is_called_once_when_the_restart_does_not_help(
    impatient: Watcher, mail: Mail, inbox: Inbox
) -> None:
    """A container that stays silent: one message, one restart, one call, until it is mended."""
    before = mail.started_at()
    mail.break_for_good()
    first = inbox.wait_for(opened, 30)
    call = inbox.wait_for(calls_a_person, 60)
    restarted = mail.started_at()
    assert restarted > before
    assert "needs you" in call.title
    assert all(service.split(":")[0] in call.message for service in SERVICES)
    assert "ontainer stalwart" in call.message
    assert "did not help in time" in call.message
    mail.mend()
    last = inbox.wait_for(recovered, 60)
    assert inbox.messages == [first, call, last]
    assert {incident_of(message) for message in inbox.messages} == {incident_of(first)}


def test_a_container_that_never_was_is_told(watcher: Watcher, mail: Mail, inbox: Inbox) -> None:
    """A wrong name in the file: the message says so, and names the container that is near.

    Nobody knows whether it is to run, so it is told as that, and calls nobody out of bed.
    """
    watcher.configure(restart={"container": "stalwerk"})
    watcher.start()
    watcher.wait_for_status(WELL)
    mail.hang()
    told = inbox.wait_for(left_alone, 30)
    assert "There is no container named stalwerk (did you mean stalwart?)" in told.message
    mail.resume()
    inbox.wait_for(recovered, 30)
    assert not any(calls_a_person(message) for message in inbox.messages)


def test_a_container_that_somebody_removes_is_left_alone(
    patient: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """Removed on purpose while it was watched: said once, and healing goes on when it is back."""
    mail.hang()
    inbox.wait_for(recovered, 60)
    inbox.clear()
    mail.remove()
    held = inbox.wait_for(left_alone, 30)
    gone = "Somebody removed stalwart" in held.message
    # On a slow machine a check falls into the removal itself.
    assert gone or "stalwart is being removed" in held.message, held.text
    mail.start()
    inbox.wait_for(recovered, 30)
    assert len(inbox.messages) == 2, inbox.told()


def test_a_container_that_somebody_stops_is_left_alone(
    patient: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """`docker stop` is an order: it stays stopped, which is said once."""
    host.run(f"docker stop {NAME}")
    inbox.wait_for(left_alone, 30)
    patient.wait_for_line("not restarting: ")
    assert mail.status() == "exited"
    host.run(f"docker start {NAME}")
    inbox.wait_for(recovered, 30)
    assert len(inbox.messages) == 2, inbox.told()


def test_without_permission_a_person_is_told_who_has_it(
    watcher: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """A service without the group docker names the socket with its owner, group and mode."""
    watcher.drop_in("[Service]\nSupplementaryGroups=\n")
    watcher.start()
    watcher.wait_for_status(WELL)
    before = mail.started_at()
    mail.hang()
    call = inbox.wait_for(calls_a_person, 30)
    for fact in ("docker.sock", "root", "docker", "0660"):
        assert fact in call.message, call.text
    assert mail.started_at() == before
    mail.resume()
    inbox.wait_for(recovered, 30)


def test_a_socket_that_is_closed_to_all_is_named(
    watching: Watcher, host: Host, mail: Mail, inbox: Inbox
) -> None:
    """Somebody took the socket away from the group: the message names its group and mode."""
    host.run("chown root:root /run/docker.sock; chmod 0600 /run/docker.sock")
    try:
        mail.hang()
        call = inbox.wait_for(calls_a_person, 30)
        assert "0600" in call.message
    finally:
        host.run("chown root:docker /run/docker.sock; chmod 0660 /run/docker.sock")
    inbox.wait_for(recovered, 60)


def test_docker_that_is_stopped_is_told_and_survived(
    watching: Watcher, engine: Engine, inbox: Inbox
) -> None:
    """Docker itself is gone, and mail with it: the message says so; mailwatch keeps watching."""
    pid = watching.pid
    engine.stop()
    told = inbox.wait_for(lambda message: "docker" in message.message.lower(), 60)
    assert "docker.sock" in told.message or "Docker" in told.message, told.text
    engine.start()
    inbox.wait_for(recovered, 60)
    assert watching.pid == pid
    assert watching.show("ActiveState") == "active"


def test_messages_wait_for_an_inbox_that_is_away(
    watching: Watcher, mail: Mail, inbox: Inbox
) -> None:
    """Healing does not wait for the phone: when the inbox is back, one message tells it all."""
    inbox.go_away()
    before = mail.started_at()
    mail.hang()
    watching.wait_for_line("could not send 'Mail is down on mailhost: ")
    watching.wait_for_line(" is over after ", 60)
    assert mail.started_at() > before
    inbox.come_back()
    story = inbox.wait_for(lambda message: message.title.startswith("Mail flows again"), 60)
    assert "Mail is down on mailhost: " in story.message
    watching.wait_for_line("sent: Mail flows again")
    assert inbox.messages == [story]


def test_the_service_outlives_a_kill_during_an_incident(
    impatient: Watcher, mail: Mail, inbox: Inbox, host: Host
) -> None:
    """Killed after the call for a person, it starts again by itself and does not repeat itself."""
    mail.break_for_good()
    inbox.wait_for(calls_a_person, 60)
    wait_until(lambda: impatient.undelivered() == 0, 30, "the call to be known as delivered")
    host.run(f"systemctl kill --signal=KILL {UNIT}")
    impatient.wait_for_line("Scheduled restart job")
    impatient.wait_for_status("0 of 4 services answer; incident ", 60)
    mail.mend()
    inbox.wait_for(recovered, 60)
    assert len([message for message in inbox.messages if calls_a_person(message)]) == 1
