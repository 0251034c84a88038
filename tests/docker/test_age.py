"""How long a container has run: a process of this test stands for it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mailwatch.docker.process import runs_for


def container(pid: object, identity: str | None = None) -> dict[str, Any]:
    """Return the record of a container whose first process is `pid`."""
    groups = Path("/proc/self/cgroup").read_text()
    return {"Id": groups if identity is None else identity, "State": {"Pid": pid}}


def test_it_is_as_old_as_its_first_process() -> None:
    """Whatever the wall clock says; the kernel tells in hundredths of a second."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            found = runs_for(container(process.pid))
            longest = time.clock_gettime(time.CLOCK_BOOTTIME) - before
        finally:
            process.kill()
    assert found is not None
    assert 0 <= found <= longest + 0.02
    mine = runs_for(container(os.getpid()))
    assert mine is not None
    assert mine > found


@pytest.mark.parametrize("pid", [0, -1, 2**30, None, "1"])
def test_a_process_that_is_not_there_has_no_age(pid: object) -> None:
    """A container that ended, or an engine that lies."""
    assert runs_for(container(pid)) is None


@pytest.mark.parametrize("identity", ["f" * 64, ""])
def test_a_process_of_something_else_is_not_believed(identity: str) -> None:
    """The engine may be another host's, whose numbers of processes mean others here."""
    assert runs_for(container(os.getpid(), identity)) is None


@pytest.mark.parametrize("stat", ["", "1 (a) S", "1 (a) S " + "x " * 30])
def test_what_makes_no_sense_is_not_believed(tmp_path: Path, stat: str) -> None:
    """Nothing is raised."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(stat)
    (tmp_path / "7/cgroup").write_text(Path("/proc/self/cgroup").read_text())
    assert runs_for(container(7), tmp_path) is None
