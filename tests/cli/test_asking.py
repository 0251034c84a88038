"""The commands that ask the running service: status, pause, resume and reload."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.cli.main import main
from mailwatch.core import causes
from mailwatch.core.events import RestartEnded
from mailwatch.core.facts import NOTHING, fact, words
from mailwatch.core.known_good import KnownGood
from mailwatch.core.message import Message, Severity, Topic
from mailwatch.core.model import Condition, Fault, Now, Reading, TargetState, Verdict
from mailwatch.core.notes import Notes
from mailwatch.core.observation import failures
from mailwatch.core.outbox import QueuedMessage, after_failure
from mailwatch.core.state import Incident, Stage, State
from mailwatch.host.clocks import read_clocks
from tests.cli.desk import Desk, serving

GOOD = Reading("SMTP:25", Verdict.PASS, phases={"connect": 0.001, "greeting": 0.002})
BAD = Reading("IMAPS:993", Verdict.FAIL, Fault.SILENT, words("no greeting came within 5 s"))
ASKING = (["status"], ["pause", "1h"], ["resume"], ["reload"])


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the directory in which the commands look for the service."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return tmp_path


@pytest.fixture
def desk(runtime: Path) -> Iterator[Desk]:
    """Give a service that answers."""
    with serving(runtime) as answering:
        yield answering


def outage(now: Now) -> Incident:
    """Return an open incident."""
    failing = failures([BAD])
    return Incident("20261122T031402Z", now, now, failing, failing)


@pytest.mark.parametrize("words", ASKING, ids=[words[0] for words in ASKING])
def test_without_a_service_the_first_line_says_so(
    words: list[str], runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the last one left behind: no socket, or one that nobody listens at; code 3."""
    told = []
    for leave in (False, True):
        if leave:
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(runtime / "control.sock"))
        assert main(words) == 3
        shown = capsys.readouterr()
        told.append((shown.out or shown.err).splitlines()[0])
    assert all(line.startswith("mailwatch is not running") for line in told)


@pytest.mark.parametrize("words", ASKING, ids=[words[0] for words in ASKING])
def test_no_command_waits_long_for_a_service_that_hangs(
    words: list[str],
    runtime: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is stopped takes the connection and says nothing; the sentence says how long."""
    monkeypatch.setattr("mailwatch.cli.ask.ANSWER_S", 0.2)
    monkeypatch.setattr("mailwatch.cli.reload.ANSWER_S", 0.2)
    monkeypatch.setattr("mailwatch.cli.ask.ask.__defaults__", (0.2,))
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(runtime / "control.sock"))
        hung.listen(8)
        assert main(words) == 3
    shown = capsys.readouterr()
    assert (shown.out or shown.err).startswith("mailwatch has not answered for 0.2 s")


@pytest.mark.parametrize("answer", [b"", b"no json\n", b"[]\n", b"{", b"\xff\n"])
def test_an_answer_that_breaks_off_is_a_sentence(
    answer: bytes, runtime: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that ends in the middle of its answer leaves nobody with a traceback."""
    import threading

    with socket.socket(socket.AF_UNIX) as ending:
        ending.bind(str(runtime / "control.sock"))
        ending.listen()

        def end() -> None:
            peer, _ = ending.accept()
            peer.recv(1024)
            peer.sendall(answer)
            peer.close()

        thread = threading.Thread(target=end)
        thread.start()
        assert main(["status"]) == 3
        thread.join()
    assert "ended before it answered" in capsys.readouterr().out


def test_nothing_is_claimed_before_the_first_round(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that has just started has seen nothing, which is no health: code 3."""
    assert main(["status"]) == 3
    assert capsys.readouterr().out.startswith("The first check is under way.\n")


def test_status_when_all_is_well(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """The table shows each service as the last round saw it, and the exit code is 0."""
    desk.standing.round([GOOD], read_clocks())
    assert main(["status"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("All is well.\n")
    assert "SMTP:25  pass    0.003" in out


def test_status_tells_what_fails_before_it_is_an_incident(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the middle of a round: which attempt, since when, and why; the exit code is 2."""
    desk.standing.round([GOOD], read_clocks())
    desk.standing.attempt(BAD, 2, 3, read_clocks())
    assert main(["status"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("IMAPS:993 fails, but not for long enough to be an incident yet.\n")
    assert "attempt 2 of 3: no greeting came within 5 s.\n" in out


def test_an_open_incident_is_critical_and_names_its_cause(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Since when, what is done about it and why it happened; JSON has the same."""
    now = read_clocks()
    desk.standing.round([GOOD, BAD], now)
    cause = fact("nothing-listens", ports=("25",))
    incident = outage(now)
    desk.state = State(Stage.ESCALATED, replace(incident, cause=cause))
    assert main(["status"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("Incident 20261122T031402Z has been open since ")
    assert ": you have been called.\nCause: nothing listens on 25 inside" in out
    main(["status", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["incident"], told["cause"]) == (incident.id, causes.line(cause))
    assert told["since"].endswith("+00:00")


def test_status_says_what_never_answered_as_configured(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only as long as it fails and has never passed; JSON says of each whether it ever did."""
    never = "\nIMAPS:993 has never answered as configured now: look for the mistake in "
    queue = Reading("QUEUE", Verdict.FAIL, Fault.QUEUE, words("long"))
    desk.standing.round([GOOD, BAD, queue], read_clocks())
    desk.notes = Notes(proven=KnownGood({"SMTP:25": "a"}))
    main(["status"])
    assert never in capsys.readouterr().out, "what has no port has none that is wrong"
    main(["status", "--json"])
    listed = json.loads(capsys.readouterr().out)["services"]
    assert [(one["service"], one["proven"]) for one in listed] == [
        ("SMTP:25", True),
        ("IMAPS:993", False),
        ("QUEUE", False),
    ]
    desk.notes = Notes(proven=KnownGood({"SMTP:25": "a", "IMAPS:993": "b"}))
    main(["status"])
    assert "never answered" not in capsys.readouterr().out


def test_a_target_that_cannot_be_restarted_is_said(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """While all is well, and with the reason: the night is too late to learn of it."""
    now = read_clocks()
    desk.standing.round([GOOD], now)
    desk.standing.looked(TargetState(Condition.DENIED, words("No right to the socket")), now)
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert "mailwatch cannot restart container stalwart: No right to the socket.\n" in out
    desk.standing.looked(TargetState(Condition.RUNNING), now)
    assert main(["status"]) == 0
    assert "mailwatch can restart container stalwart.\n" in capsys.readouterr().out


def test_a_restart_shows_whether_it_can_be_restarted(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than a look does, until the next restart; one that was left alone shows nothing."""
    now = read_clocks()
    desk.standing.round([GOOD], now)
    desk.standing.looked(TargetState(Condition.RUNNING), now)
    desk.standing.restarted(RestartEnded(words("403 Forbidden")), now)
    desk.standing.looked(TargetState(Condition.RUNNING), now)
    desk.standing.restarted(RestartEnded(words("somebody else"), intervened=True), now)
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert "The last restart of container stalwart, at 2" in out
    assert ", failed: 403 Forbidden.\n" in out
    desk.standing.restarted(RestartEnded(), now)
    assert main(["status"]) == 0
    assert "mailwatch can restart container stalwart.\n" in capsys.readouterr().out


def test_the_last_delivery_shows_whether_messages_arrive(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message that is refused for good says nothing of those after it."""
    now = read_clocks()
    desk.standing.round([GOOD], now)
    queued = QueuedMessage(1, "gotify", Message(Topic.NOTICE, Severity.INFO, "Hello", "", now.wall))
    desk.entries = (after_failure(queued, words("Too long."), True, now, 0.0),)
    desk.reached, desk.troubles = {"gotify": now.wall}, {"gotify": NOTHING}
    assert main(["status"]) == 0
    assert "Messages go to gotify, which last took one " in capsys.readouterr().out
    desk.troubles = {"gotify": words("Nobody answers.")}
    assert main(["status"]) == 1
    assert "Messages do not reach gotify: Nobody answers.\n" in capsys.readouterr().out


def test_messages_that_do_not_arrive_are_a_warning(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which channel does not take them, and why; once it does, when it last took one."""
    now = read_clocks()
    desk.standing.round([GOOD], now)
    queued = QueuedMessage(1, "gotify", Message(Topic.NOTICE, Severity.INFO, "Hello", "", now.wall))
    desk.entries = (after_failure(queued, words("The token is wrong."), True, now, 0.0),)
    assert main(["status"]) == 1
    out = capsys.readouterr().out
    assert "Messages do not reach gotify: The token is wrong.\n" in out
    assert "1 message has not been delivered yet:\n- Hello\n  The token is wrong." in out
    desk.entries, desk.reached = (), {"gotify": now.wall}
    assert main(["status"]) == 0
    assert "Messages go to gotify, which last took one " in capsys.readouterr().out


def test_a_pause_reaches_the_service_and_ends(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends when it was said to, status agrees, and the journal says who did what."""
    desk.standing.round([GOOD], read_clocks())
    assert main(["pause", "2h"]) == 0
    assert capsys.readouterr().out.startswith("Paused until ")
    assert 7000 < (desk.paused or read_clocks()).steady - time.monotonic() <= 7200
    assert main(["status"]) == 1
    assert "Paused until" in capsys.readouterr().out
    assert main(["resume"]) == 0
    assert main(["resume"]) == 0
    assert "There was no pause" in capsys.readouterr().out
    assert desk.paused is None
    assert main(["status"]) == 0
    logged = desk.log.getvalue()
    assert logged.count("paused until") == logged.count("the pause was ended, by ") == 1


@pytest.mark.parametrize("words", [["9w"], ["soon"], ["1"] * 2 + ["x"], ["0"], ["-5m"], ["8d"]])
def test_a_pause_without_a_sane_end_is_refused(
    words: list[str], desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pause always has an end within a week; anything else changes nothing."""
    try:
        code = main(["pause", *words])
    except SystemExit as end:
        code = int(str(end.code))
    assert code in (3, 64)
    assert capsys.readouterr().err
    assert desk.paused is None


def test_reload_waits_for_the_outcome(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """`systemctl reload` runs it: it fails, with every mistake, where the old file stays."""
    assert main(["reload"]) == 0
    desk.mistakes = ("watch.retries must be at least 1", "mailwatch has no key x")
    capsys.readouterr()
    assert main(["reload"]) == 78
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("The configuration was not reloaded, and the old one stays")
    assert told[1:] == list(desk.mistakes)
