"""Whether a container's process is there, with real processes in its place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwatch.docker.process import has_ended


def container(pid: int, status: str = "running") -> dict[str, object]:
    """Return the record of a container."""
    return {"State": {"Status": status, "Pid": pid}}


@pytest.fixture
def zombie() -> Iterator[int]:
    """A process that has ended, and that nobody has asked how."""
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        yield process.pid


def test_a_process_that_lives_has_not_ended() -> None:
    """This one, whatever it is called."""
    assert not has_ended(container(os.getpid()))


def test_a_process_that_has_ended_is_known_as_that(zombie: int) -> None:
    """Before its parent has taken note of its end, and after."""
    assert has_ended(container(zombie))
    os.waitid(os.P_PID, zombie, os.WEXITED)
    assert has_ended(container(zombie))


def test_only_one_that_is_said_to_run_may_have_ended_unheard(zombie: int) -> None:
    """A container that is exited, or that has no process as yet, is what the engine says."""
    assert not has_ended(container(zombie, "exited"))
    assert not has_ended(container(0))
    assert not has_ended({})


def test_where_proc_is_hidden_nobody_knows(tmp_path: Path) -> None:
    """With ProtectProc=invisible a unit sees its own processes alone."""
    assert not has_ended(container(4711), tmp_path)
    (tmp_path / "1").mkdir()
    assert has_ended(container(4711), tmp_path)
