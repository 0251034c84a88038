"""Real processes that are sick in a known way, looked at by whoever may not trace them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mailwatch.core.causes import line as worded
from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Evidence, Finding, rows
from mailwatch.evidence import causes, connections, process, processes
from mailwatch.evidence.subject import Subject
from tests.evidence import patient
from tests.evidence.conftest import ScriptedEngine

Soon = Callable[[], Deadline]
RUNS = Finding({"status": "running"})


@contextmanager
def sick(engine: ScriptedEngine, kind: str, *before: str) -> Iterator[str]:
    """Run the patient as the engine's container, and give its number."""
    command = [*before, sys.executable, patient.__file__, kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, process_group=0, env={**os.environ, "PYTHONPATH": ""}
    ) as child:
        try:
            assert child.stdout
            assert child.stdout.readline()
            pid = str(child.pid)
            engine.answer = {**engine.answer, "State": {"Status": "running", "Pid": child.pid}}
            engine.rows = [{"pid": pid, "ppid": "1", "stat": "Ssl", "comm": "stalwart"}]
            yield pid
        finally:
            assert child.stdin
            child.stdin.close()


def look(subject: Subject, soon: Soon) -> Evidence:
    """Return what the two collectors find."""
    return {
        "container": RUNS,
        "processes": processes.collect(subject, soon()),
        "connections": connections.collect(subject, soon()),
    }


def test_a_process_without_a_file_left_is_named_with_its_crowd(
    engine: ScriptedEngine, subject: Subject, soon: Soon, namespace: Sequence[str]
) -> None:
    """How many files, how many are connections to which port, and which one address has most."""
    with sick(engine, "files", *namespace):
        patience = soon()
        while True:
            found = look(subject, soon)
            (row,) = rows(found, "processes", "table")
            if row["open_files"] == patient.LIMIT or patience.expired:
                break
    (listener,) = rows(found, "connections", "container", "listeners")
    crowd = patient.ITS_CONNECTIONS + patient.INNOCENTS
    assert listener["connections"] == crowd
    held, waiting = listener["held"], listener["not_accepted"]
    assert isinstance(held, int)
    assert (waiting, listener["queue"]) == (crowd - held, crowd - held)
    of_one = held - patient.INNOCENTS
    assert worded(causes.likely(found)) == (
        f"stalwart has 64 of 64 files open, {held} of them connections to 993, {of_one} of these "
        f"from {patient.ATTACKER}"
    )


def test_without_a_count_the_connections_that_are_held_tell_it(
    engine: ScriptedEngine,
    subject: Subject,
    soon: Soon,
    namespace: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a kernel before 6.2, to a user who may not look into the process."""
    monkeypatch.setattr(process, "open_files", lambda _process: None)
    with sick(engine, "files", *namespace):
        patience = soon()
        while True:
            found = look(subject, soon)
            (listener,) = rows(found, "connections", "container", "listeners")
            if listener["queue"] == listener["not_accepted"] or patience.expired:
                break
        idle: Evidence = {**found, "connections": Finding({"container": {"listeners": []}})}
    line = worded(causes.likely(found))
    assert line.startswith("stalwart may have 64 files open, and has ")
    assert line.endswith(f"connections to 993, {listener['held'] - 6} of these from 127.0.0.99")  # type: ignore[operator]
    assert not causes.likely(idle)


def test_the_open_files_of_another_user_are_counted_where_the_kernel_tells(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """Both numbers are those of the kernel; neither asks for a right over the process."""
    with sick(engine, "disk") as pid:
        (row,) = rows({"processes": processes.collect(subject, soon())}, "processes", "table")
        assert row["open_files"] == len(list(Path(f"/proc/{pid}/fd").iterdir()))
    assert row["open_files_limit"] == os.sysconf("SC_OPEN_MAX")


def test_a_disk_that_hangs_is_seen_in_the_threads(
    engine: ScriptedEngine, subject: Subject, soon: Soon
) -> None:
    """The engine shows a process that sleeps; one of its threads has waited all along."""
    with sick(engine, "disk") as pid:
        patience = soon()
        while True:
            states = [process.waits_for_disk(one) for one in process.threads(Path("/proc") / pid)]
            if any(states) or patience.expired:
                break
            time.sleep(0.01)
        finding = processes.collect(subject, soon())
    (row,) = rows({"processes": finding}, "processes", "table")
    assert (row["state"], row["threads"], row["threads_stuck"]) == ("Ssl", 3, 1)
    line = "stuck threads in D state, waiting for a disk or the network: 1 of 3 (stalwart)"
    assert worded(causes.likely({"container": RUNS, "processes": finding})) == line


def test_a_thread_that_has_run_in_between_is_not_stuck(
    engine: ScriptedEngine, subject: Subject, soon: Soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy server may be seen in state D twice; the kernel's count of its turns tells."""
    turns = iter(range(100))
    monkeypatch.setattr(process, "waits_for_disk", lambda _thread: str(next(turns)))
    engine.rows = [{"pid": str(os.getpid()), "stat": "Ssl", "comm": "busy"}]
    (row,) = rows({"processes": processes.collect(subject, soon())}, "processes", "table")
    assert "stuck" not in row


def test_what_is_hidden_is_not_known(
    engine: ScriptedEngine, subject: Subject, soon: Soon, tmp_path: Path
) -> None:
    """A process of another host's engine, or under another /proc, is not taken for ours."""
    engine.rows = [{"pid": "1", "stat": "Ss", "comm": "init"}]
    finding = processes.collect(replace(subject, proc=tmp_path), soon())
    (row,) = rows({"processes": finding}, "processes", "table")
    assert not {"threads", "open_files", "open_files_limit"} & set(row)
    assert process.open_files(tmp_path) is None
    assert process.open_files_limit(tmp_path) is None
