"""A little of what `make fuzz` plays by the million."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("fuzz") / "fuzz.py"
STREAMS = 40


@pytest.mark.parametrize("kind", ["probes", "canary", "costly"])
def test_some_broken_conversations_of_each_kind(kind: str) -> None:
    """Nothing is raised, shown or removed that should not be; a busy machine may be late."""
    play = [sys.executable, str(FUZZ), "--kind", kind, "--streams", str(STREAMS), "--seed", "7"]
    done = subprocess.run([*play, "--jobs", "1"], capture_output=True, text=True, timeout=120)
    assert f"{STREAMS} streams in" in done.stdout, done.stderr
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG")]
    assert [line for line in wrong if not line.endswith("times over")] == []
