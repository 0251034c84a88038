"""The processes of the container: those that are stopped or stuck, and their open files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json
from mailwatch.core.text import printable
from mailwatch.docker.process import is_of
from mailwatch.docker.record import Record
from mailwatch.evidence import process
from mailwatch.evidence.subject import Subject

AGAIN_S = 0.5
"""A thread that waits for a healthy disk is not in state D in two looks so far apart."""

MOST_ROWS = 300
MOST_THREADS = 500
"""What is looked at, of all processes together: these take 30 ms."""

Thread = tuple[str, str]
"""Process and thread, by their numbers; where only the engine tells, both are the process's."""


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `count` and `table`; `stuck` marks what was in state D at two looks, and never ran.

    A disk that hangs holds the threads that read it, and the first one looks well. The threads
    and files of a process are looked at where it runs on this host.
    """
    with closing(subject.examiner()) as examiner:
        container = examiner.container(deadline)
        rows = examiner.processes(deadline)
        ours = _on_this_host(rows[:MOST_ROWS], container, subject.proc)
        seen = {pid: list(process.threads(folder)) for pid, folder in ours.items()}
        stuck = _in_disk_sleep(rows, seen)
        if stuck and deadline.at - deadline.clock() > 2 * AGAIN_S:
            time.sleep(AGAIN_S)
            hidden = any(pid not in seen for pid, _ in stuck)
            again = _in_disk_sleep(examiner.processes(deadline) if hidden else rows, seen)
            stuck = {one: ran for one, ran in stuck.items() if again.get(one) == ran}
    held = Counter(pid for pid, _ in stuck)
    # Those that are worth a look come first, so that a cut never loses them.
    ordered = sorted(
        rows,
        key=lambda row: not (row.get("pid") in held or row.get("stat", "")[:1] in ("T", "D", "Z")),
    )
    table = [_row(row, held, seen, ours) for row in ordered[:MOST_ROWS]]
    return Finding({"count": len(rows), "table": table})


def _on_this_host(
    rows: Iterable[Mapping[str, str]], container: Record, proc: Path
) -> dict[str, Path]:
    """Return the folder of each process that is the container's for certain."""
    found = {}
    for row in rows:
        pid = row.get("pid", "")
        try:
            if pid.isdecimal() and is_of(proc / pid, container):
                found[pid] = proc / pid
        except OSError:
            continue
    return found


def _in_disk_sleep(
    rows: Sequence[Mapping[str, str]], seen: Mapping[str, Sequence[Path]]
) -> dict[Thread, str]:
    """Return the threads in state D, with what changes whenever one has run."""
    found = {
        (pid, pid): ""
        for row in rows
        if (pid := row.get("pid", "")) not in seen and row.get("stat", "").startswith("D")
    }
    every = ((pid, thread) for pid, threads in seen.items() for thread in threads)
    for pid, thread in islice(every, MOST_THREADS):
        ran = process.waits_for_disk(thread)
        if ran is not None:
            found[pid, thread.name] = ran
    return found


def _row(
    row: Mapping[str, str],
    held: Mapping[str, int],
    seen: Mapping[str, Sequence[Path]],
    ours: Mapping[str, Path],
) -> dict[str, Json]:
    pid, rss = row.get("pid", ""), row.get("rss", "")
    told: dict[str, Json] = {
        "pid": printable(pid, 20),
        "parent": printable(row.get("ppid", ""), 20),
        "name": printable(row.get("comm", ""), 64),
        "state": printable(row.get("stat", ""), 10),
        "age_s": int(row["etimes"]) if row.get("etimes", "").isdigit() else None,
        "memory_bytes": int(rss) * 1024 if rss.isdigit() else None,
        "waits_in": printable(row.get("wchan", ""), 40),
    }
    if pid in ours:
        told["threads"] = len(seen[pid])
        told["open_files"] = process.open_files(ours[pid])
        told["open_files_limit"] = process.open_files_limit(ours[pid])
    if pid in held:
        told |= {"stuck": True, "threads_stuck": held[pid]}
    return told
