"""Who says that the wall clock is synchronised, where the kernel may not be asked."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mailwatch.host import clocks


@pytest.mark.parametrize("kernel", [True, False])
def test_the_word_of_the_kernel_counts(
    kernel: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns of every step of its clock, and a file that says otherwise is older."""
    (tmp_path / "synchronized").touch()
    monkeypatch.setattr(clocks, "_TIMESYNC", tmp_path)
    monkeypatch.setattr(clocks, "_kernel_is_synchronised", lambda: kernel)
    assert clocks.is_synchronised() is kernel


@pytest.mark.parametrize(
    ("age_days", "known"), [(None, False), (0, True), (400, None), (-400, None)]
)
def test_a_file_of_timesyncd_counts_while_it_is_fresh(
    age_days: float | None, known: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have set the clock by a year since it was written."""
    monkeypatch.setattr(clocks, "_TIMESYNC", tmp_path)
    monkeypatch.setattr(clocks, "_kernel_is_synchronised", lambda: None)
    if age_days is not None:
        (tmp_path / "synchronized").touch()
        at = time.time() - age_days * 86_400
        os.utime(tmp_path / "synchronized", (at, at))
    assert clocks.is_synchronised() is known


def test_without_either_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where chrony sets the clock there is no such directory."""
    monkeypatch.setattr(clocks, "_TIMESYNC", tmp_path / "absent")
    monkeypatch.setattr(clocks, "_kernel_is_synchronised", lambda: None)
    assert clocks.is_synchronised() is None
