"""The table of what a container's record means, a test for each of its rows."""

from __future__ import annotations

from typing import Any

import pytest

from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.docker.record import condition_of, moment
from mailwatch.docker.stop_cause import stop_ordered, what_became_of


def record(*, policy: object = "no", **state: object) -> dict[str, Any]:
    """Return an inspection of an ended container with parts of its `State` replaced."""
    return {
        "Name": "/stalwart",
        "RestartCount": 4,
        "HostConfig": {"RestartPolicy": {"Name": policy}},
        "State": {"Status": "exited", "ExitCode": 137, "FinishedAt": "2026-03-01T10:30:00Z"}
        | state,
    }


@pytest.mark.parametrize(
    ("state", "condition", "detail"),
    [
        ({"Status": "running"}, Condition.RUNNING, ""),
        ({"Status": "running", "Health": {"Status": "healthy"}}, Condition.RUNNING, ""),
        ({"Status": "running", "Health": {"Status": "none"}}, Condition.RUNNING, ""),
        ({"Status": "running", "Health": {"Status": "starting"}}, Condition.STARTING, "not passed"),
        ({"Status": "running", "Health": {"Status": "unhealthy"}}, Condition.RUNNING, "unhealthy"),
        ({"Status": "restarting", "ExitCode": 3}, Condition.STARTING, "4 restarts"),
        ({"Status": "paused", "Running": True}, Condition.PAUSED, "docker unpause stalwart"),
        ({"Status": "created"}, Condition.STOPPED, "never started"),
        ({"Status": "created", "Error": "no such file"}, Condition.CRASHED, "(no such file)"),
        ({"Status": "removing"}, Condition.REMOVING, "being removed"),
        ({"Status": "dead"}, Condition.REMOVING, "docker rm -f stalwart"),
        ({"Status": "levitating", "Running": True}, Condition.RUNNING, "'levitating'"),
        ({"Status": "levitating", "Running": False}, Condition.UNREACHABLE, "'levitating'"),
        ({"Status": None}, Condition.UNREACHABLE, "nothing"),
    ],
)
def test_a_living_container(state: dict[str, object], condition: Condition, detail: str) -> None:
    """Each status of the engine has one meaning, and an unknown one is never a stop or a crash."""
    found, fact = condition_of(record(**state), ordered=None)
    assert found is condition
    assert detail in say(fact)
    assert bool(fact) == bool(detail)


FAILED = {"Error": "driver failed: port is already allocated."}
OOM = {"OOMKilled": True}


@pytest.mark.parametrize(
    ("state", "ordered", "condition", "detail"),
    [
        # 1. the last start failed
        (FAILED, True, Condition.CRASHED, "(driver failed: port is already allocated)"),
        (FAILED | {"policy": "always"}, None, Condition.CRASHED, "could not be started"),
        # 2. told to end
        ({"ExitCode": 137}, True, Condition.STOPPED, "Somebody stopped stalwart at 2026-03"),
        (OOM, True, Condition.STOPPED, "Somebody stopped"),
        # 3. out of memory
        (OOM, False, Condition.OOM_KILLED, "ran out of memory"),
        (OOM, None, Condition.OOM_KILLED, "ran out of memory"),
        (OOM | {"policy": "always"}, None, Condition.OOM_KILLED, "ran out of memory"),
        (OOM | {"ExitCode": 1}, None, Condition.OOM_KILLED, "ran out of memory"),
        (OOM | {"ExitCode": 0}, None, Condition.ENDED, "with exit code 0"),
        # 4. the engine would have restarted it
        ({"policy": "always"}, None, Condition.STOPPED, "Docker would have restarted it"),
        ({"policy": "unless-stopped"}, None, Condition.STOPPED, "would have restarted it"),
        ({"policy": "unless-stopped"}, False, Condition.CRASHED, "exit code 137"),
        # 5. the exit codes of an end by request, of which the engine may know that nobody asked
        ({"ExitCode": 0}, None, Condition.ENDED, "exit code 0"),
        ({"ExitCode": 0}, False, Condition.CRASHED, "exit code 0"),
        ({"ExitCode": 143}, False, Condition.CRASHED, "exit code 143"),
        ({"ExitCode": 130}, None, Condition.ENDED, "exit code 130"),
        ({"ExitCode": 143}, None, Condition.ENDED, "exit code 143"),
        # 6. anything else
        ({"ExitCode": 137}, None, Condition.CRASHED, "exit code 137"),
        ({"ExitCode": 139}, False, Condition.CRASHED, "exit code 139"),
        ({"policy": "on-failure"}, None, Condition.CRASHED, "exit code 137"),
        ({"Status": "stopped", "ExitCode": 1}, None, Condition.CRASHED, "exit code 1"),
    ],
)
def test_an_ended_container(
    state: dict[str, Any], ordered: bool | None, condition: Condition, detail: str
) -> None:
    """Somebody's will is told from an accident, row by row of the table."""
    found, fact = condition_of(record(**state), ordered=ordered)
    assert found is condition
    assert detail in say(fact)


def test_hostile_text_in_a_record() -> None:
    """What a container's author wrote cannot forge a line or a colour."""
    container = record(Error="no\n<0>such \x1b[31mfile") | {"Name": "/a\nb"}
    _, fact = condition_of(container, ordered=None)
    assert say(fact).isprintable()


@pytest.mark.parametrize("nonsense", [{}, {"State": None}, {"State": []}, {"Name": 3, "State": {}}])
def test_a_record_of_nonsense(nonsense: dict[str, object]) -> None:
    """A record without a status is an unknown state, not an exception."""
    assert condition_of(nonsense, ordered=None)[0] is Condition.UNREACHABLE


def event(action: str, signal: str = "") -> dict[str, object]:
    """Return an event as engine 29 tells it."""
    return {"Action": action, "Actor": {"Attributes": {"signal": signal}}}


KILL, TERM, HUP = event("kill", "9"), event("kill", "15"), event("kill", "1")
START, STOP, DIE = event("start"), event("stop"), event("die")


@pytest.mark.parametrize(
    ("events", "ordered"),
    [
        ([], None),
        ([START], None),
        ([START, DIE], False),
        ([DIE], False),
        ([START, TERM, DIE, STOP], True),
        ([START, TERM, KILL, DIE, STOP], True),
        ([TERM, DIE, STOP, START, DIE], False),
        ([START, KILL, DIE], True),
        ([START, TERM, DIE], True),
        ([STOP], True),
        ([START, HUP, DIE], False),
        ([{"Action": 7}, {}, DIE], False),
    ],
)
def test_who_ended_the_last_run(events: list[dict[str, object]], ordered: bool | None) -> None:
    """A stop or a deadly kill since the last start is an order; a reload signal is none."""
    assert stop_ordered(events) is ordered


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("2026-03-01T10:00:00.123456789Z", 1772359200.123456),
        ("2026-03-01T10:00:00Z", 1772359200),
        ("2026-03-01T12:00:00.5+02:00", 1772359200.5),
        ("2026-03-01T10:00:00", 1772359200),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_time_stamps(stamp: str, seconds: float | None) -> None:
    """Nine digits of a second are read, and the year 1 means never."""
    assert moment(stamp) == seconds


def _told(action: str, at: int, **about: str) -> dict[str, object]:
    return {"Action": action, "Actor": {"Attributes": {"name": "mail", **about}}, "time": at}


@pytest.mark.parametrize(
    ("events", "condition", "said"),
    [
        ([_told("kill", 1, signal="15"), _told("die", 2), _told("destroy", 2)], "removed", "Som"),
        ([_told("die", 1), _told("destroy", 60)], "removed", "Somebody removed mail"),
        ([_told("destroy", 60)], "removed", "Somebody removed mail"),
        ([_told("die", 1), _told("destroy", 2)], "missing", "ended by itself"),
        ([_told("kill", 1, signal="1"), _told("die", 2), _told("destroy", 2)], "missing", "itself"),
        ([_told("rename", 1, name="mail-1", oldName="/mail")], "missing", "renamed to mail-1"),
        ([_told("destroy", 1), _told("start", 2)], None, ""),
        ([_told("destroy", 1, name="web")], None, ""),
        ([], None, ""),
    ],
)
def test_what_became_of_a_container_that_is_not_there(
    events: list[dict[str, object]], condition: str | None, said: str
) -> None:
    """A removal that was ordered is somebody's will; `--rm` after a crash is not."""
    found = what_became_of("mail", events)
    assert (found and found[0].value) == condition
    assert found is None or said in say(found[1])
