"""An upgrade keeps all that the state file of a released version holds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.certificates import Certificates, Warned
from mailwatch.core.facts import NOTHING, Fact, fact, words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Mask, Phase, Reading, Verdict
from mailwatch.core.rate_limit import RateLimit, Told
from mailwatch.core.state import (
    Attempt,
    Failure,
    Hold,
    Incident,
    Outcome,
    Reason,
    Stage,
    State,
    TargetMemory,
)
from mailwatch.core.unmeasured import UnmeasuredServices
from mailwatch.store.base import Commit
from mailwatch.store.files import create
from mailwatch.store.views import Past, Views
from tests.store.window import look

if TYPE_CHECKING:
    from tests.store.conftest import Night, Stores

RELEASED = Path(__file__).with_name("released")
"""A dump of the state file of each release whose tables are others than those before it."""


def lay_down(path: Path, release: str) -> None:
    """Put the state file of `release` at `path`."""
    create(path)
    path.write_bytes(b"")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((RELEASED / f"{release}.sql").read_text())


def test_all_that_0_1_0_has_written_is_still_there(stores: Stores, night: Night) -> None:
    """State, incidents, attempts, outbox, limit, pause and history are as they were."""
    at, wall = night.at, night.boot_wall
    lay_down(stores.path, "0.1.0")
    store, state = stores.restored(at(110))
    failures = (Failure("SMTP:25", Fault.SILENT, words("no greeting in 5 s")),)
    past = Incident(
        "20260921T141310Z", at(-50), at(-49), failures, failures, opened_told=True, closed=at(-30),
        attempts=(Attempt(1, at(-49), wall - 900, Outcome.RECOVERED, ended=at(-40)),),
    )  # fmt: skip
    incident = Incident(
        "20260921T141400Z", at(100), at(101), failures, failures, words("running"), words("the disk is full"),  # noqa: E501
        attempts=(Attempt(1, at(101), wall + 5),), holds=(Hold(Reason.BACKOFF, until=160.0),),
        opened_told=True,
    )  # fmt: skip
    assert state == State(
        Stage.RESTARTING, incident, at(100), None,
        (TargetMemory("", True, None, (at(-49), at(101)), 2, at(-40), at(-30)),),
        last_id=incident.id,
    )  # fmt: skip
    (entry,) = store.entries()
    opened = Message(
        Topic.OPENED, Severity.WARNING, "Mail is down", "It is.", wall + 101, incident.id
    )
    assert (entry.id, entry.message, entry.tries, entry.not_before) == (2, opened, 1, 107.0)
    assert store.notes().rate_limit == RateLimit(
        (Told(at(-45)), Told(at(90), (words("a\nb"),))),
        (Message(Topic.NOTICE, Severity.INFO, "held", "back", wall + 95),),
        past.id,
    )
    assert store.notes().certificates == Certificates()
    assert store.notes().proven == KnownGood(), "what was never kept is not known"
    assert store.notes().unmeasured_services == UnmeasuredServices()
    assert store.paused_until(at(110)) == at(900)
    assert stores.said == []
    views = Views(stores.directory)
    assert views.incidents(9) == [incident, past]
    well = Reading("SMTP:25", Verdict.PASS, phases={Phase.CONNECT: 0.25, Phase.GREETING: 0.5})
    slow = Reading(
        "IMAPS:993", Verdict.FAIL, Fault.TIMEOUT, words("slow"), {Phase.CONNECT: 5.0}, wall + 86_400
    )
    assert look(stores.directory).readings == (Past(wall + 100, well), Past(wall + 100, slow))
    assert [(day.service, day.passes + day.failures) for day in views.summaries(0)] == [
        ("IMAPS:993", 2),
        ("SMTP:25", 2),
    ]


def test_what_is_new_can_be_kept_in_an_old_file(stores: Stores, night: Night) -> None:
    """After the upgrade the file takes what 0.1.0 knew nothing of, and the next process has it."""
    lay_down(stores.path, "0.1.0")
    store, state = stores.restored(night.at(110))
    warned = Certificates({"IMAPS:993": Warned(night.at(111))})
    proven = KnownGood({"IMAPS:993": "digest"})
    after = state.with_target(streak=3)
    blind = UnmeasuredServices({"SMTP:25": night.at(110)}, frozenset({"SMTP:25"}))
    notes = replace(store.notes(), certificates=warned, proven=proven, unmeasured_services=blind)
    store.commit(Commit(after, night.at(111), notes=notes))
    store.close()
    again, state = stores.restored(night.at(112))
    assert again.notes() == notes
    assert state.target.streak == 3


HELD = "UPDATE incidents SET hold_until = NULL, hold_reason"


@pytest.mark.parametrize(
    ("release", "written", "hold"),
    [
        (
            "0.1.0",
            f"{HELD} = 'operator', hold_detail = 'It was stopped.'",
            Hold(Reason.OPERATOR, words("It was stopped.")),
        ),
        (
            "0.1.0",
            f"{HELD} = 'banned', hold_detail = '172.17.0.1'",
            Hold(Reason.BANNED, seen_as="172.17.0.1"),
        ),
        ("0.1.0", f"{HELD} = 'banned', hold_detail = ''", Hold(Reason.BANNED)),
        ("0.1.0", f"{HELD} = 'incurable', hold_detail = ''", Hold(Reason.INCURABLE)),
        (
            "0.2.0-held",
            f"{HELD} = 'incurable', hold_target = '', hold_seen_as = '172.17.0.1'",
            Hold(Reason.INCURABLE, seen_as="172.17.0.1", of="docker:stalwart"),
        ),
        (
            "0.2.0-held",
            f"""{HELD} = 'unproven', hold_target = '', hold_services = '["A:1", "B:2"]'""",
            Hold(Reason.UNPROVEN, services=("A:1", "B:2"), of="docker:stalwart"),
        ),
    ],
)
def test_why_an_open_incident_was_left_alone_is_still_known(
    stores: Stores, night: Night, release: str, written: str, hold: Hold
) -> None:
    """0.1.0 wrote one text for each reason, 0.2.0 several, and each is read as what it was."""
    lay_down(stores.path, release)
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        connection.execute(f"{written} WHERE hold_reason IS NOT NULL")
    _, state = stores.restored(night.at(110))
    assert state.incident is not None
    assert state.incident.hold == hold


def test_what_made_a_failure_look_like_another_is_still_known(stores: Stores, night: Night) -> None:
    """0.2.0 wrote it beside the words, whatever is in them; 0.1.0 knew of no mask."""
    failures = (
        Failure("SMTP:25", Fault.REFUSED, words("nothing listens"), Mask.PROXY),
        Failure("IMAPS:993", Fault.REJECTED, words("a filter"), Mask.FILTER),
        Failure("HTTPS:443", Fault.STATUS, words('said "[gr\u00fc\u00df]\\"')),
        Failure("LMTP:24", Fault.TIMEOUT, words("")),
    )
    written = json.dumps(
        [[f.service, f.fault, f.detail.get("text") or "", f.mask] for f in failures]
    )
    lay_down(stores.path, "0.2.0-down")
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        connection.execute("UPDATE incidents SET failures = ?, first_failures = ?", (written,) * 2)
    _, state = stores.restored(night.at(110))
    for incident in (state.incident, *Views(stores.directory).incidents(9)):
        assert incident is not None
        assert (incident.failures, incident.first_failures) == (failures, failures)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ("disk full: / has 0 B of 9 GB free", words("disk full: / has 0 B of 9 GB free")),
        ("", NOTHING),
        ("ban or a connection limit", fact("ban", seen_as="", text="ban or a connection limit")),
        (
            "ban of 172.17.0.1, as which it sees this host, or a limit",
            fact(
                "ban",
                seen_as="172.17.0.1",
                text="ban of 172.17.0.1, as which it sees this host, or a limit",
            ),
        ),
    ],
)
def test_a_cause_that_was_told_is_still_known(
    stores: Stores, night: Night, told: str, cause: Fact
) -> None:
    """Its words stay; a ban, by which something is decided, is one without a look at them."""
    lay_down(stores.path, "0.1.0")
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        connection.execute("UPDATE incidents SET cause = ?", (told,))
    _, state = stores.restored(night.at(110))
    assert state.incident is not None
    assert state.incident.cause == cause


def test_a_ban_that_0_4_0_has_read_in_the_log_keeps_its_sentence(
    stores: Stores, night: Night
) -> None:
    """Its code named the server, which is an argument now."""
    lay_down(stores.path, "0.4.0-escalated")
    told = json.dumps({"code": "ban-by-stalwart", "args": {"address": "172.17.0.1"}})
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        for table, place in (("incidents", "cause"), ("outbox", "message.cause")):
            set_it = f"UPDATE {table} SET value = json_set(value, '$.{place}', json(?))"
            assert connection.execute(set_it, (told,)).rowcount
    store, state = stores.restored(night.at(110))
    cause = fact("ban-by-server", address="172.17.0.1", server="Stalwart")
    assert state.incident is not None
    assert state.incident.cause == cause
    assert {entry.message.cause for entry in store.entries()} == {cause}
