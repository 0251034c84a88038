"""What the admin reads of the incidents so far, and how the commands take their arguments."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailwatch.cli.main import main
from mailwatch.cli.times import parse_duration
from mailwatch.core.evidence import Finding
from mailwatch.core.facts import words
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.observation import failures
from mailwatch.core.state import Attempt, Hold, Incident, Outcome, Reason, Stage, State
from mailwatch.evidence import keeping
from mailwatch.store.base import Commit
from mailwatch.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.cli.conftest import Configure

Call = Callable[..., int]
GOOD = Reading("SMTP:25", Verdict.PASS, phases={"connect": 0.001, "greeting": 0.002})
BAD = Reading("IMAPS:993", Verdict.FAIL, Fault.SILENT, words("no greeting came within 5 s"))


@pytest.fixture
def call(configure: Configure) -> Call:
    """Return main() for a configuration of its own."""
    config = configure("")

    def run(*words: str) -> int:
        return main([*words, "--config", str(config)])

    return run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """Return the store that the service would have open."""
    opened = SqliteStore(tmp_path, pytest.fail)
    opened.restore(clocks())
    yield opened
    opened.close()


def clocks() -> Now:
    """Read both clocks, as the service does."""
    return Now(time.monotonic(), time.time())


def outage(now: Now) -> Incident:
    """Return an incident that was restarted in vain and told to a person."""
    (failure,) = failures([BAD])
    attempt = Attempt(1, now, 1.0, Outcome.FAILED, words("it did not help in time"), now)
    return Incident(
        id="20261122T031402Z",
        since=now,
        opened=now,
        failures=(failure,),
        first_failures=(failure,),
        attempts=(attempt,),
        escalated=now,
    )


def test_an_open_incident_can_be_shown(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """incidents and incident show agree on one incident, as text and as JSON."""
    now = clocks()
    incident = outage(now)
    called = Message(Topic.ESCALATED, Severity.CRITICAL, "It needs you", "", now.wall, incident.id)
    state = State(Stage.ESCALATED, incident, failing_since=now)
    store.commit(Commit(state, now, [called], ("gotify", "mail")))
    store.delivered(store.entries()[1:], now)
    store.record([GOOD, BAD], now)
    assert call("incidents") == 0
    assert "open, a person was needed" in capsys.readouterr().out
    assert call("incident", "show", "last") == 0
    told = capsys.readouterr().out
    assert "Restart 1: it did not help in time" in told
    assert "IMAPS:993 fails: no greeting came within 5 s (silent)" in told
    assert call("incidents", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert call("incident", "show", "20261122", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert listed[0]["id"] == shown["id"] == incident.id
    assert shown["cause"] == "unknown"
    assert shown["evidence"] == {}
    assert shown["restarts"][0]["outcome"] == "failed"
    assert "Not delivered by gotify yet: It needs you" in told
    assert "Delivered by mail: It needs you" in told
    sent = [(one["channel"], one["waits"], bool(one["delivered"])) for one in shown["messages"]]
    assert sent == [("gotify", True, False), ("mail", False, True)]


def test_an_open_incident_says_why_nothing_is_restarted(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words, and with the address that the admin is to allow-list."""
    now = clocks()
    incident = replace(outage(now), holds=(Hold(Reason.BANNED, seen_as="172.17.0.1"),))
    store.commit(Commit(State(Stage.ESCALATED, incident, failing_since=now), now))
    call("incident", "show", "last")
    told = capsys.readouterr().out
    assert "Not being restarted: every service closes the connection" in told
    assert "It sees this host as 172.17.0.1." in told


def test_an_incident_is_shown_with_its_evidence(
    call: Call, store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was seen before the restart is in both forms; JSON has a key for each collector."""
    now = clocks()
    store.commit(Commit(State(Stage.ESCALATED, outage(now)), now))
    seen = {"gathered": Finding({"at": now.wall}), "host": Finding({"load": [9.5, 4.0, 1.0]})}
    keeping.save(tmp_path, "20261122T031402Z", "before", seen)
    assert call("incident", "show", "last", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["evidence"]["host"]["load"] == [9.5, 4.0, 1.0]
    assert shown["evidence_after"] == {}
    assert call("incident", "show", "last") == 0
    assert "9.5" in capsys.readouterr().out


def test_the_newest_incident_comes_first(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """incidents --json lists objects with an id, the newest first, as many as asked for."""
    now = clocks()
    for number in range(3):
        at = Now(now.steady + number, now.wall + number)
        incident = replace(outage(at), id=f"20261122T03140{number}Z", closed=at)
        store.commit(Commit(State(Stage.ESCALATED, replace(incident, closed=None)), at))
        store.commit(Commit(State(), at, closed=incident))
    assert call("incidents", "--json", "--limit", "2") == 0
    ids = [found["id"] for found in json.loads(capsys.readouterr().out)]
    assert ids == ["20261122T031402Z", "20261122T031401Z"]


def test_an_unknown_incident_is_a_sentence(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """An id that does not exist ends with 69 and says how to find the right one."""
    store.record([GOOD], clocks())
    assert call("incident", "show", "nonsense") == 69
    assert "`mailwatch incidents` lists them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("30", 1800),
        ("2h", 7200),
        ("1h 30m", 5400),
        ("1d12h", 129_600),
        ("2 hours", 7200),
        ("1 day 30 min", 88_200),
    ],
)
def test_durations_as_a_person_types_them(text: str, seconds: float) -> None:
    """A bare number is minutes, units may be combined."""
    assert parse_duration(text, 0, 86_400 * 7, "too long") == seconds


@pytest.mark.parametrize("command", ["check", "status", "doctor"])
def test_wrong_arguments_are_unknown_to_a_monitoring_system(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse's own exit code 2 would read as critical: these end with 3."""
    with pytest.raises(SystemExit) as end:
        main([command, "--nonsense"])
    assert end.value.code == 3
    assert "--nonsense" in capsys.readouterr().out


@pytest.mark.parametrize(("command", "code"), [("check", 3), ("config", 64)])
def test_an_option_before_the_command_is_told_its_place(
    command: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What other programs take in front stands behind the command here."""
    with pytest.raises(SystemExit) as end:
        main(["--config", "x", command])
    assert end.value.code == code
    said = "".join(capsys.readouterr())
    assert f"options stand behind the command: mailwatch {command} --config ..." in said


def test_wrong_arguments_elsewhere_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Any other command ends with EX_USAGE."""
    with pytest.raises(SystemExit) as end:
        main(["resume", "--nonsense"])
    assert end.value.code == 64
    assert capsys.readouterr().err
