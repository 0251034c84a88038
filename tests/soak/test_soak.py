"""A short soak in every run of the tests; `make soak` is the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).with_name("soak.py")


def _soak(rounds: int, *options: str) -> subprocess.CompletedProcess[str]:
    top = SOAK.parents[2]
    return subprocess.run(
        [sys.executable, SOAK, "--rounds", str(rounds), *options],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(top)},
        timeout=1500,
    )


def test_hundreds_of_rounds_pile_nothing_up() -> None:
    """Memory, descriptors and threads are where they were after the warm-up."""
    done = _soak(400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400 rounds in " in done.stdout
    assert "Traceback" not in done.stderr


def test_a_leak_is_noticed() -> None:
    """A descriptor that is lost in every round ends the soak with 1 and a sentence."""
    done = _soak(200, "--leak")
    assert done.returncode == 1
    assert "descriptors grew from " in done.stderr
