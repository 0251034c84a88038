"""Figures of the long run: what is written to disk in an hour, and how late a check may end."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from pathlib import Path

from mailwatch.store.history import QUIET_S
from tests.bench.bed import Bed
from tests.bench.healthy import WELL
from tests.bench.meter import process_of
from tests.bench.report import Figure
from tests.e2e.bed.watcher import UNIT

_INTERVAL_S = 120
"""The default."""
_WINDOW_S = math.ceil(QUIET_S / _INTERVAL_S) * _INTERVAL_S
"""From one writing of the history that was kept in memory to the next."""
_FUZZ_STREAMS = 10_000


def written(bed: Bed) -> list[Figure]:
    """Measure what healthy rounds write at the defaults, and reckon what that is in an hour."""
    bed.watcher.put_right()
    bed.watcher.configure(watch={"interval_s": _INTERVAL_S, "smtp_per_second": 0})
    bed.watcher.start()
    bed.watcher.wait_for_status(WELL)
    process = process_of(bed.host, UNIT)
    time.sleep(_INTERVAL_S / 2)  # after the first round, and before the next
    before = process.written()
    time.sleep(_WINDOW_S)
    hour = (process.written() - before) * 3600 / _WINDOW_S
    bed.watcher.stop()
    return [
        Figure(
            "written to disk in an hour at the defaults", "MB", hour / 1e6, 0.2,
            note=f"write_bytes of {_WINDOW_S} s, in which the history is written once.",
        )
    ]  # fmt: skip


def latest_end(tree: Path) -> list[Figure]:
    """Measure how late a probe of `tree` ends at its latest, by a short run of its fuzzer."""
    done = subprocess.run(
        [sys.executable, "tests/fuzz/fuzz.py", "--seed", "1", "--streams", str(_FUZZ_STREAMS)],
        cwd=tree, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tree)},
        capture_output=True, text=True,
    )  # fmt: skip
    found = re.search(r"^latest end: ([-0-9.]+) ms", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    return [
        Figure(
            "latest end after its deadline in the fuzzer", "ms", float(found[1]), 50.0,
            note=f"{_FUZZ_STREAMS} streams of seed 1; `make fuzz` plays a million.",
        )
    ]  # fmt: skip
