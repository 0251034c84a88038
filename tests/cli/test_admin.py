"""What the admin sees and does while the service runs: status, incidents, pause, resume."""

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
from mailwatch.core import causes
from mailwatch.core.evidence import Finding
from mailwatch.core.facts import fact, words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.observation import failures
from mailwatch.core.outbox import after_failure
from mailwatch.core.policy import Policy
from mailwatch.core.state import Attempt, Hold, Incident, Outcome, Reason, Stage, State
from mailwatch.evidence import keeping
from mailwatch.store.base import Commit
from mailwatch.store.history import QUIET_S
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


def test_status_before_the_first_start(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any state the answer is a sentence that says how to begin, and `unknown`."""
    assert call("status") == 3
    assert "mailwatch" in capsys.readouterr().err


def test_status_when_all_is_well(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table shows each service as the last round saw it, and the exit code is 0."""
    store.record([GOOD], clocks())
    assert call("status") == 0
    out = capsys.readouterr().out
    assert out.startswith("All is well.\n")
    assert "SMTP:25  pass    0.003" in out


def test_status_says_that_the_service_does_not_run(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readings of long ago are no proof of health: the exit code is 3, and the age is said."""
    now = clocks()
    store.record([GOOD], replace(now, wall=now.wall - 86_400))
    assert call("status") == 3
    assert "the service does not seem to run" in capsys.readouterr().out


def test_a_quiet_service_is_not_taken_for_one_that_does_not_run(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its last rounds wait in memory, so the newest in the file is older than it would be."""
    policy = Policy()
    longest_s = 3 * max(policy.interval_s, policy.restart_limit_s) + policy.verifying.longest_s
    now = clocks()
    store.record([GOOD], replace(now, wall=now.wall - longest_s - QUIET_S / 2))
    assert call("status") == 0
    assert "does not seem to run" not in capsys.readouterr().out


def test_an_open_incident_is_critical_and_can_be_shown(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """status, incidents and incident show agree on one incident, as text and as JSON."""
    now = clocks()
    incident = outage(now)
    store.commit(Commit(State(Stage.ESCALATED, incident, failing_since=now), now))
    store.record([GOOD, BAD], now)
    assert call("status") == 2
    assert "Incident 20261122T031402Z is open" in capsys.readouterr().out
    assert call("incidents") == 0
    assert "open, a person was called" in capsys.readouterr().out
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


def test_an_open_incident_says_why_nothing_is_restarted(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words, and with the address that the admin is to allow-list."""
    now = clocks()
    incident = replace(outage(now), holds=(Hold(Reason.BANNED, seen_as="172.17.0.1"),))
    store.commit(Commit(State(Stage.ESCALATED, incident, failing_since=now), now))
    call("incident", "show", "last")
    told = capsys.readouterr().out
    assert "Why it is not restarted now: every service accepts the connection" in told
    assert "It sees this host as 172.17.0.1." in told


def test_status_names_the_cause_where_it_is_known(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the headline, and in JSON."""
    now = clocks()
    incident = replace(outage(now), cause=fact("nothing-listens", ports=("25",)))
    store.commit(Commit(State(Stage.ESCALATED, incident, failing_since=now), now))
    store.record([BAD], now)
    call("status")
    assert (
        "\nLikely cause: nothing listens on 25 inside the container.\n" in capsys.readouterr().out
    )
    call("status", "--json")
    assert json.loads(capsys.readouterr().out)["cause"] == causes.line(incident.cause)


def test_status_says_what_never_answered_as_configured(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only as long as it fails and has never passed; JSON says of each whether it ever did."""
    never = "\nIMAPS:993 never answered as configured now: look for the mistake in "
    now = clocks()
    store.record([GOOD, BAD, Reading("QUEUE", Verdict.FAIL, Fault.QUEUE, words("long"))], now)
    store.commit(Commit(State(), now, notes=Notes(proven=KnownGood({"SMTP:25": "a"}))))
    call("status")
    assert never in capsys.readouterr().out, "what has no port has none that is wrong"
    call("status", "--json")
    listed = json.loads(capsys.readouterr().out)["services"]
    assert {one["service"]: one["proven"] for one in listed} == {
        "SMTP:25": True,
        "IMAPS:993": False,
        "QUEUE": False,
    }
    store.commit(
        Commit(State(), now, notes=Notes(proven=KnownGood({"SMTP:25": "a", "IMAPS:993": "b"})))
    )
    call("status")
    assert "never answered" not in capsys.readouterr().out


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


def test_messages_that_wait_are_a_warning(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message that could not be sent is shown with the reason, and the exit code is 1."""
    now = clocks()
    store.record([GOOD], now)
    store.commit(
        Commit(State(), now, [Message(Topic.NOTICE, Severity.INFO, "Hello", "there", now.wall)])
    )
    failed = after_failure(store.entries()[0], words("The token is wrong."), True, now, 0.0)
    store.keep_entries([failed])
    assert call("status") == 1
    out = capsys.readouterr().out
    assert "1 message not delivered yet:\n- Hello\n  The token is wrong." in out


def test_a_pause_reaches_the_service_and_ends(
    call: Call, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """pause is seen by the running service with its end, status says so, resume ends it."""
    store.record([GOOD], clocks())
    assert call("pause", "2h") == 0
    assert capsys.readouterr().out.startswith("Paused for 2 h, until ")
    until = store.paused_until(clocks())
    assert until is not None
    assert 7000 < until.steady - clocks().steady <= 7200
    assert call("status") == 1
    assert "Paused until" in capsys.readouterr().out
    assert call("resume") == 0
    assert store.paused_until(clocks()) is None
    assert call("status") == 0


@pytest.mark.parametrize("words", [["9w"], ["soon"], ["1"] * 2 + ["x"], ["0"], ["-5m"]])
def test_a_pause_without_a_sane_end_is_refused(
    call: Call, store: SqliteStore, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A pause always has an end within a week; anything else changes nothing."""
    store.record([GOOD], clocks())
    try:
        code = call("pause", *words)
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 64
    assert capsys.readouterr().err
    assert store.paused_until(clocks()) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("30", 1800), ("2h", 7200), ("1h 30m", 5400), ("1d12h", 129_600)],
)
def test_durations_as_a_person_types_them(text: str, seconds: float) -> None:
    """A bare number is minutes, units may be combined."""
    assert parse_duration(text, 0, 86_400 * 7, "too long") == seconds


@pytest.mark.parametrize("command", ["check", "status"])
def test_wrong_arguments_are_unknown_to_a_monitoring_system(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse's own exit code 2 would read as critical: these two end with 3."""
    with pytest.raises(SystemExit) as end:
        main([command, "--nonsense"])
    assert end.value.code == 3
    assert "--nonsense" in capsys.readouterr().err


def test_wrong_arguments_elsewhere_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Any other command ends with EX_USAGE."""
    with pytest.raises(SystemExit) as end:
        main(["resume", "--nonsense"])
    assert end.value.code == 64
    assert capsys.readouterr().err
