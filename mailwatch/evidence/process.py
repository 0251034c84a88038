"""What /proc shows of one process to whoever asks: its threads, its open files and their limit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mailwatch.core.evidence import NotReadable
from mailwatch.evidence import files

_MOST_FILES = 20_000
"""Where the kernel does not say how many are open, they are counted up to here, in 5 ms."""


def threads(process: Path) -> Iterator[Path]:
    """Yield the folder of each thread, the first being the process's own; raises nothing."""
    try:
        with os.scandir(process / "task") as found:
            yield from (process / "task" / one.name for one in found)
    except OSError:
        return


def waits_for_disk(thread: Path) -> str | None:
    """Return how often the thread has run so far if it is in state D, else None; raises nothing.

    One that is in that state again, and has not run since, waits for the same thing as before.
    """
    try:
        # The name may hold a bracket, the state behind the last one does not: proc_pid_stat(5).
        if files.read(thread / "stat").rpartition(") ")[2][:1] != "D":
            return None
        counts = files.table(files.read(thread / "status"))
    except NotReadable:
        return None
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    return " ".join(counts.get(name, "") for name in names)


def open_files(process: Path) -> int | None:
    """Return how many files are open, None where that is not known; raises nothing.

    From Linux 6.2 on the size of /proc/[pid]/fd tells it to everybody; before, that folder opens
    for the process's own user alone.
    """
    try:
        if told := (process / "fd").stat().st_size:
            return told
        with os.scandir(process / "fd") as found:
            return sum(1 for _ in islice(found, _MOST_FILES))
    except OSError:
        return None


def open_files_limit(process: Path) -> int | None:
    """Return the soft limit of open files, None where there is none or it is not known."""
    try:
        lines = files.read(process / "limits").splitlines()
    except NotReadable:
        return None
    found = next((line.split() for line in lines if line.startswith("Max open files")), [])
    return int(found[3]) if len(found) > 3 and found[3].isdigit() else None
