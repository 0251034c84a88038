"""Two services never work on one state directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mailwatch.store.files import StoreError, lock

HOLDER = """
import sys
from pathlib import Path
from mailwatch.store.files import lock
lock(Path(sys.argv[1]))
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_second_one_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    """The sentence says what to do; when the first is killed, its lock goes with it."""
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "taken\n"
        with pytest.raises(StoreError, match="Another mailwatch is running on"):
            lock(tmp_path)
        first.kill()
    lock(tmp_path)


def test_a_directory_that_is_not_there_locks_nothing(tmp_path: Path) -> None:
    """Watching does not depend on the disk: no lock is better than no watcher."""
    lock(tmp_path / "missing")
