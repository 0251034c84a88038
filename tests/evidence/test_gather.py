"""Asking all collectors at once: bounded in time, and no fault of one costs another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import EVERYTHING, GATHERED, Finding, NotReadable, rows
from mailwatch.core.facts import fact, words
from mailwatch.core.model import Fault, Reading, Verdict
from mailwatch.core.say import say
from mailwatch.core.secret import Secret
from mailwatch.evidence import clock, container, disk, host, log, processes, readings
from mailwatch.evidence.catalogue import COLLECTORS, collectors
from mailwatch.evidence.gather import Gatherer
from mailwatch.evidence.subject import Round, Subject
from tests.evidence.conftest import ScriptedEngine

Soon = Callable[[], Deadline]


def test_every_collector_answers_on_this_machine(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """All in a few seconds, each with a finding, and every connection given back."""
    found = Gatherer().gather(subject, soon(), 5.0, collectors())
    assert set(found) == {GATHERED, *COLLECTORS.names()}
    assert found[GATHERED].values["at"] == 5.0
    assert engine.open == 0
    for name, finding in found.items():
        reason = finding.unreadable.get(EVERYTHING)
        # In a container the group of our own process may lie outside what is mounted there.
        hidden = name == "cgroup" and reason is not None and "cgroup" in say(reason)
        assert reason is None or hidden, finding


def test_a_pass_that_is_only_remembered_is_no_evidence(subject: Subject, soon: Soon) -> None:
    """A canary that arrived ten minutes ago does not answer now; one that failed still does so."""
    passed = Reading("Canary:465", Verdict.PASS, remembered=True)
    failed = Reading("Other:465", Verdict.FAIL, Fault.DELIVERY, words("late"), remembered=True)
    dropped = Reading("SMTP:25", Verdict.FAIL, Fault.DROPPED, words("closed"))
    found = readings.collect(replace(subject, readings=(passed, failed, dropped)), soon())
    now = found.values["now"]
    assert isinstance(now, list)
    assert [row["service"] for row in now if isinstance(row, dict)] == ["Other:465", "SMTP:25"]


def test_a_collector_that_hangs_or_breaks_costs_only_itself(subject: Subject) -> None:
    """The others' findings are there on time; the reasons are sentences, not exceptions."""
    let_go = threading.Event()

    def hangs(_subject: Subject, _deadline: Deadline) -> Finding:
        let_go.wait(300)
        return Finding({})

    def breaks(_subject: Subject, _deadline: Deadline) -> Finding:
        raise ZeroDivisionError("secret")

    def cannot(_subject: Subject, _deadline: Deadline) -> Finding:
        raise NotReadable(words("the disk is gone: buy another"))

    def works(_subject: Subject, _deadline: Deadline) -> Finding:
        return Finding({"well": True})

    began = time.monotonic()
    table = {"hangs": hangs, "breaks": breaks, "cannot": cannot, "works": works}
    found = Gatherer().gather(subject, Deadline.after(1.5, time.monotonic), 0.0, table)
    assert time.monotonic() - began < 60
    let_go.set()
    assert "no answer came within" in say(found["hangs"].unreadable[EVERYTHING])
    assert "ZeroDivisionError" in say(found["breaks"].unreadable[EVERYTHING])
    assert "secret" not in say(found["breaks"].unreadable[EVERYTHING])
    assert found["cannot"].unreadable[EVERYTHING] == words("the disk is gone: buy another")
    assert found["works"].values == {"well": True}


def test_a_collector_that_hangs_is_not_asked_anew(subject: Subject) -> None:
    """Round after round it holds one thread, says so, and is asked again when it is back."""
    let_go, begun = threading.Event(), threading.Event()
    asked = []

    def hangs(_subject: Subject, _deadline: Deadline) -> Finding:
        asked.append(threading.current_thread())
        begun.set()
        let_go.wait(300)
        return Finding({"well": True})

    gatherer = Gatherer()

    def look(within_s: float) -> Finding:
        table = {"hangs": hangs}
        return gatherer.gather(subject, Deadline.after(within_s, time.monotonic), 0.0, table)[
            "hangs"
        ]

    try:
        assert look(0.05).unreadable[EVERYTHING].code == "look-late"
        for _ in range(3):
            assert look(120).unreadable[EVERYTHING] == fact("still-busy")
        assert begun.wait(120)
        assert len(asked) == 1
    finally:
        let_go.set()
    asked[0].join(120)
    assert look(120).values == {"well": True}
    assert len(asked) == 2


def test_without_threads_every_finding_says_so(
    subject: Subject, soon: Soon, without_threads: Callable[[], AbstractContextManager[None]]
) -> None:
    """Nothing is raised or waited for where the host gives no thread."""

    with without_threads():
        found = Gatherer().gather(subject, soon(), 5.0, collectors())
    for name in COLLECTORS.names():
        assert "TasksMax" in say(found[name].unreadable[EVERYTHING])


def test_the_host_is_read_from_this_kernel(subject: Subject, soon: Soon) -> None:
    """Load, memory and files are numbers; what is missing has its reason."""
    found = host.collect(subject, soon())
    assert isinstance(found.values["load"], list)
    assert isinstance(found.values["files"], int)
    assert set(found.values) | set(found.unreadable) >= {"pressure", "memory", "uptime_s"}


def test_a_host_that_hides_proc_gives_a_reason_for_each_number(
    subject: Subject, soon: Soon, tmp_path: Path
) -> None:
    """The reason names the unit's key that would show it."""
    found = host.collect(replace(subject, proc=tmp_path), soon())
    assert "ProcSubset=all" in say(found.unreadable["load"])
    assert {"pressure", "memory", "conntrack", "files", "overflows"} <= set(found.unreadable)


def test_a_kernel_that_words_it_differently_is_no_crash(
    subject: Subject, soon: Soon, tmp_path: Path
) -> None:
    """Any text in the files costs one number each."""
    for name in ("loadavg", "meminfo", "uptime"):
        (tmp_path / name).write_text("what\n")
    (tmp_path / "loadavg").write_text("a b c\n")
    found = host.collect(replace(subject, proc=tmp_path), soon())
    assert "does not know" in say(found.unreadable["load"])


def test_the_room_of_each_file_system_is_told_once(
    engine: ScriptedEngine, subject: Subject, soon: Soon, tmp_path: Path
) -> None:
    """The root, the state directory and the container's volumes, which lie on few devices."""
    engine.answer = {**engine.answer, "Mounts": [{"Source": str(tmp_path)}, {"Source": None}]}
    found = disk.collect(replace(subject, directories=(tmp_path,)), soon())
    rows = found.values["file_systems"]
    assert isinstance(rows, list)
    assert rows[0]["path"] == "/"
    assert rows[0]["size_bytes"] > 0
    paths = [row["path"] for row in rows]
    assert len(paths) == len(set(paths))


MOUNTED = {
    "rw,relatime rw,errors=remount-ro": False,
    "ro,relatime ro": False,
    "ro,relatime rw": False,
    "rw,relatime ro,errors=remount-ro": True,
    "rw,relatime rw,emergency_ro": True,
}


@pytest.mark.parametrize("options", MOUNTED)
def test_a_file_system_that_an_error_has_closed_is_known(
    engine: ScriptedEngine, subject: Subject, soon: Soon, tmp_path: Path, options: str
) -> None:
    """The container's own view tells it; what was mounted read-only on purpose is no trouble."""
    own, whole = options.split()
    row = f"70 1 0:77 / {tmp_path} {own} shared:1 - ext4 /dev/sdb1 {whole}\n"
    for process in ("self", "1", "42"):
        (tmp_path / process).mkdir()
        (tmp_path / process / "mountinfo").write_text(row if process == "42" else "")
    (tmp_path / "self/mountinfo").write_text(f"70 1 0:77 / {tmp_path} ro - ext4 /dev/sdb1 rw\n")
    engine.answer = {"State": {"Pid": 42}, "Mounts": [{"Source": str(tmp_path)}]}
    found = disk.collect(replace(subject, proc=tmp_path), soon())
    (told,) = (row for row in rows({"disk": found}, "disk", "file_systems") if row["path"] != "/")
    assert told.get("read_only", False) is MOUNTED[options]


def test_the_ways_to_the_container_are_kept(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """Its networks, what it publishes, and what of the watched ports it does not."""
    ports = {"993/tcp": [{"HostIp": "", "HostPort": "1993"}], "25/tcp": None}
    settings = {"Ports": ports, "Networks": {"mail_default": {}}}
    engine.answer = {**engine.answer, "NetworkSettings": settings}
    found = container.collect(replace(subject, ports=(993, 1993)), soon()).values
    assert (found["networks"], found["published"], found["unpublished"]) == (
        ["mail_default"], [1993], [993],
    )  # fmt: skip
    engine.answer = {**engine.answer, "NetworkSettings": {"Networks": {"none": {}}}}
    assert container.collect(subject, soon()).values["networks"] == []


def test_the_log_is_bounded_masked_and_printable(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """64 KiB of its end, no secret, no control character."""
    engine.written = b"old line\n" * 20_000 + b"token AbcDef \x1b[2J\xff\npassword=hunter2\n"
    found = log.collect(replace(subject, secrets=(Secret("AbcDef"),), since=7.0), soon())
    lines = found.values["lines"]
    assert isinstance(lines, list)
    assert found.values["cut"] is True
    assert engine.since == 7.0
    assert lines[-1] == "password=[redacted]"
    assert lines[-2] == "token [redacted] \\x1b[2J\\xff"
    assert all(line.isprintable() for line in lines)
    assert sum(map(len, lines)) <= log.MOST_BYTES


def test_the_colours_of_a_log_hide_nothing(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """Stalwart sets them between the words that tell which server it is, a ban and a password."""
    engine.written = (
        b"\x1b[37m2026-11-27T03:14:05Z\x1b[0m \x1b[32;1mINFO\x1b[0m \x1b[37;1mBlocked IP address"
        b'\x1b[0m (security.ip-blocked) \x1b[36mlistenerId\x1b[0m = "smtp", '
        b"\x1b[36mremoteIp\x1b[0m = 172.17.0.1\n"
        b'\x1b[36mpassword\x1b[0m = "hunter2"\n'
    )
    values = log.collect(subject, soon()).values
    assert values["lines"] == [
        "2026-11-27T03:14:05Z INFO Blocked IP address (security.ip-blocked) "
        'listenerId = "smtp", remoteIp = 172.17.0.1',
        'password = "[redacted]"',
    ]
    (said,) = rows({"log": Finding(values)}, "log", "server", "said")
    assert (said["code"], said["arguments"]) == (
        "ban-by-server",
        {"server": "Stalwart", "address": "172.17.0.1"},
    )


def test_a_process_is_stuck_only_in_two_looks(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """One that waits for the disk for a moment is not marked; the marked ones come first."""
    ps = {"ppid": "1", "etimes": "5", "rss": "8", "wchan": "io_schedule"}
    looks = [
        [{"pid": pid, "stat": stat, "comm": "p", **ps} for pid, stat in states.items()]
        for states in ({"1": "S", "2": "D", "3": "D"}, {"2": "D", "3": "S"})
    ]

    class Moving(ScriptedEngine):
        def processes(self, deadline: Deadline) -> list[dict[str, str]]:
            return looks.pop(0)

    found = processes.collect(replace(subject, examiner=Moving().connect), soon())
    table = found.values["table"]
    assert isinstance(table, list)
    assert [row["pid"] for row in table] == ["2", "3", "1"]
    assert [row.get("stuck", False) for row in table] == [True, False, False]
    assert table[0]["memory_bytes"] == 8192


def test_the_clock_is_known_or_there_is_a_reason(subject: Subject, soon: Soon) -> None:
    """One of the two, on any kernel and in any sandbox."""
    found = clock.collect(subject, soon())
    assert ("synchronised" in found.values) != ("synchronised" in found.unreadable)


def test_readings_are_kept_with_their_phases(subject: Subject, soon: Soon) -> None:
    """Those at hand, and the rounds before, each second where it was spent."""
    failed = Reading("SMTP:25", Verdict.FAIL, Fault.SILENT, words("silent"), {"connect": 0.25})
    told = replace(subject, readings=(failed,), rounds=(Round(3.0, (failed,)),))
    found = collectors()["readings"](told, soon())
    now = found.values["now"]
    assert isinstance(now, list)
    assert now[0]["phases"] == {"connect": 0.25}
    assert found.values["before"] == [{"at": 3.0, "readings": now}]
