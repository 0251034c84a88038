"""Commands and mail queues, with real programs that behave in every way a program can."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.probes.catalogue import build
from mailwatch.probes.command import Settings as Command
from mailwatch.probes.postqueue import Settings as Postqueue
from mailwatch.probes.postqueue import _Count
from mailwatch.probes.settings import ServiceSettings

GENEROUS_S = 120

_PR_SET_CHILD_SUBREAPER = 36
"""prctl(2)."""


@pytest.fixture
def _orphans_are_ours() -> Iterator[None]:
    """Let orphans be our children to bury, for a container's first process may bury none."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _check(settings: ServiceSettings, within_s: float = GENEROUS_S) -> Reading:
    began = time.monotonic()
    reading = build(settings).check(Deadline.after(within_s, time.monotonic))
    assert time.monotonic() - began < within_s + 20
    assert reading.portless
    assert reading.service == settings.name
    assert say(reading.detail).isprintable()
    return reading


def _command(*words: str, within_s: float = GENEROUS_S) -> Reading:
    return _check(ServiceSettings("Spam", "", probe="command", options=Command(words)), within_s)


def _shell(script: str, within_s: float = GENEROUS_S) -> Reading:
    return _command("/bin/sh", "-c", script, within_s=within_s)


def _queue(script: str, limit: int = 3) -> Reading:
    command = ("/bin/sh", "-c", script)
    settings = ServiceSettings("Q", "", probe="postqueue", options=Postqueue(command, limit))
    return _check(settings)


# --- commands -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "verdict", "fault", "words"),
    [
        ("exit 0", Verdict.PASS, None, ""),
        ("echo fine; exit 0", Verdict.PASS, None, ""),
        ("echo 'SPAM WARNING | n=1'; exit 1", Verdict.FAIL, Fault.COMMAND, "1: SPAM WARNING"),
        ("echo bad >&2; exit 2", Verdict.FAIL, Fault.COMMAND, "sh ended with 2: bad"),
        ("exit 2", Verdict.FAIL, Fault.COMMAND, "sh ended with 2"),
        ("echo '?'; exit 3", Verdict.UNMEASURED, None, "sh ended with 3: ?"),
        ("exit 127", Verdict.UNMEASURED, None, "127"),
        ("kill -SEGV $$", Verdict.UNMEASURED, None, "signal SIGSEGV"),
        ("printf 'a\\033[2J\\n<0>b'; exit 2", Verdict.FAIL, Fault.COMMAND, "a\\x1b[2J"),
    ],
)
def test_the_exit_code_says_how_it_is(
    script: str, verdict: Verdict, fault: Fault | None, words: str
) -> None:
    """0 is well, 1 and 2 are not, and every other end says nothing about the service."""
    reading = _shell(script)
    assert (reading.verdict, reading.fault) == (verdict, fault)
    assert words in say(reading.detail)
    if verdict is Verdict.PASS:
        assert say(reading.detail) == ""


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/no/such/program", "no such file"),
        ("/etc/passwd", "permission denied"),
        ("/", "permission denied"),
    ],
)
def test_a_program_that_cannot_be_started_is_our_own_fault(program: str, words: str) -> None:
    """It is told as that, and is no failure of the mail server."""
    reading = _command(program)
    assert reading.verdict is Verdict.UNMEASURED
    assert words in say(reading.detail)


@pytest.mark.usefixtures("_orphans_are_ours")
@pytest.mark.parametrize(
    "script",
    [
        "sleep 600",
        "trap '' TERM INT HUP; while :; do sleep 1; done",
        "exec >&- 2>&-; sleep 600",
        "yes",
        "sleep 600 & wait",
    ],
)
def test_what_does_not_end_is_killed_with_all_its_children(script: str, tmp_path: Path) -> None:
    """Whatever it ignores, closes or prints, nothing of its group is left after the deadline."""
    leader = tmp_path / "pid"
    leader.touch()
    within_s = 0.5
    while not leader.read_text():
        within_s *= 2  # on a slow machine it may be killed before it says who it is
        assert within_s < GENEROUS_S
        reading = _shell(f"echo $$ >{leader}; {script}", within_s=within_s)
        assert reading.verdict is Verdict.UNMEASURED
        assert "did not end in time" in say(reading.detail)
    group = int(leader.read_text())
    until = time.monotonic() + GENEROUS_S
    while _is_alive(group) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _is_alive(group)


def _is_alive(group: int) -> bool:
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("_orphans_are_ours")
def test_a_child_that_keeps_the_output_open_holds_nobody_up(tmp_path: Path) -> None:
    """A daemon that a command starts, in a session of its own, is not waited for."""
    pid = tmp_path / "pid"
    reading = _shell(f"setsid sleep 600 & echo $! >{pid}; exit 0")
    try:
        assert reading.verdict is Verdict.PASS
        assert reading.seconds < GENEROUS_S / 2
    finally:
        orphan = int(pid.read_text())
        os.kill(orphan, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(orphan, 0)


def test_our_secrets_are_not_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command gets a path and a language, and nothing that systemd or the admin gave us."""
    monkeypatch.setenv("GOTIFY_TOKEN", "AxSecret")
    assert _shell('test -z "$GOTIFY_TOKEN" || exit 2').verdict is Verdict.PASS


def test_a_flood_of_output_costs_no_memory() -> None:
    """Fifty megabytes are heard to their end, and only the first line is kept."""
    reading = _shell("echo first; head -c 50000000 /dev/zero; exit 2")
    assert say(reading.detail) == "sh ended with 2: first"


# --- mail queues --------------------------------------------------------------------------

_MESSAGE = '{"queue_name": "deferred", "queue_id": "X", "recipients": [{"address": "a@b"}]}'


@pytest.mark.parametrize(("waiting", "well"), [(0, True), (3, True), (4, False), (2000, False)])
def test_a_queue_is_well_up_to_its_limit(waiting: int, well: bool) -> None:
    """An empty queue prints nothing at all; a long one is read no further than it must."""
    reading = _queue(f"i=0; while [ $i -lt {waiting} ]; do echo '{_MESSAGE}'; i=$((i+1)); done")
    if well:
        assert reading.verdict is Verdict.PASS
    else:
        assert reading.fault is Fault.QUEUE
        assert say(reading.detail) == "more than 3 messages wait in the mail queue (queue_limit)"


@pytest.mark.parametrize(("number", "well"), [("0", True), ("3", True), ("4", False)])
def test_a_command_may_print_the_number_of_messages(number: str, well: bool) -> None:
    """`exim -bpc` does; a number is not taken for an empty queue."""
    reading = _queue(f"echo {number}")
    assert reading.fault is (None if well else Fault.QUEUE)
    assert reading.verdict is (Verdict.PASS if well else Verdict.FAIL)


@pytest.mark.parametrize("said", ["Mail queue is empty", "-- 12 Kbytes in 30000 Requests.", "-5"])
def test_what_is_no_queue_is_not_taken_for_an_empty_one(said: str) -> None:
    """A command that lists the queue in words would be green for ever."""
    reading = _queue(f"echo '{said}'")
    assert reading.verdict is Verdict.UNMEASURED
    assert said in say(reading.detail)


_NOISE = {
    "postqueue": "postqueue: warning: main.cf, line 7: overriding earlier entry: x=y",
    "compose": 'time="2026-11-27T20:30:38Z" level=warning msg="the attribute version is obsolete"',
    "exim": "LOG: MAIN\n  Warning: purging the environment.\n  Suggested action: use it.",
    "a number": "17",
    "a message": _MESSAGE,
}


@pytest.mark.parametrize("noise", _NOISE.values(), ids=_NOISE)
@pytest.mark.parametrize(
    ("queue", "well"),
    [
        ("true", True),
        ("echo 3", True),
        ("echo 4", False),
        (f"echo '{_MESSAGE}'", True),
        (f"for i in 1 2 3 4; do echo '{_MESSAGE}'; done", False),
    ],
    ids=["empty", "a number", "a high number", "a message", "many messages"],
)
def test_warnings_on_standard_error_are_no_part_of_the_queue(
    noise: str, queue: str, well: bool
) -> None:
    """Of a command that ends with 0, the queue is what it prints on its standard output."""
    reading = _queue(f"printf '%s\\n' '{noise}' >&2; {queue}; printf '%s' '{noise}' >&2")
    assert reading.fault is (None if well else Fault.QUEUE)
    assert reading.verdict is (Verdict.PASS if well else Verdict.FAIL), reading.detail


def test_a_flood_on_standard_error_holds_nobody_up() -> None:
    """It is heard to its end, so that the program does not wait for us, and is not kept."""
    assert _queue("head -c 5000000 /dev/zero >&2; echo 3").verdict is Verdict.PASS


def test_an_endless_queue_is_a_long_one() -> None:
    """It is not read to its end."""
    assert _queue(f"yes '{_MESSAGE}'").fault is Fault.QUEUE


def test_a_queue_that_cannot_be_listed_is_unmeasured() -> None:
    """As where the service may not talk to Postfix: the words of postqueue, and the cure."""
    reading = _queue("echo 'postqueue: fatal: Queue report unavailable' >&2; exit 69")
    assert reading.verdict is Verdict.UNMEASURED
    assert "(exit code 69: postqueue: fatal: Queue report unavailable)" in say(reading.detail)
    assert "group postdrop" in say(reading.detail)


def test_without_postfix_the_queue_is_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """postqueue is looked for where system programs are, not where our PATH points."""
    monkeypatch.setattr("mailwatch.probes.postqueue.COMMAND", ("postqueue-that-is-not-here", "-j"))
    reading = _check(ServiceSettings("Q", "", probe="postqueue"))
    assert reading.verdict is Verdict.UNMEASURED
    assert "could not be started" in say(reading.detail)


@given(st.integers(0, 30), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_lines_are_counted_across_any_cuts(messages: int, cuts: list[int]) -> None:
    """Where the pipe cuts what was printed does not matter."""
    data = b'{"a": {"b": "{"}}\n' * messages
    count = _Count(100)
    at = 0
    for size in [*cuts, len(data)]:
        assert count.take(data[at : at + size])
        at += size
    assert count.messages == messages


def test_no_descriptor_is_left() -> None:
    """Commands, well, bad and killed, leave nothing open."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        _shell("exit 0")
        _shell("exit 2")
        _shell("sleep 60", within_s=0.02)
    assert len(os.listdir("/proc/self/fd")) <= before
