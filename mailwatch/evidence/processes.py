"""The processes of the container, and those that are stopped or stuck."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json
from mailwatch.core.text import printable
from mailwatch.evidence.subject import Subject

AGAIN_S = 0.5
"""A process that waits for a healthy disk is not in state D in two looks so far apart."""

MOST_ROWS = 300


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `count` and `table`; `stuck` marks what is in state D at two looks."""
    with closing(subject.examiner()) as examiner:
        rows = examiner.processes(deadline)
        stuck = _in_disk_sleep(rows)
        if stuck and deadline.at - deadline.clock() > 2 * AGAIN_S:
            time.sleep(AGAIN_S)
            stuck &= _in_disk_sleep(examiner.processes(deadline))
    # Those that are worth a look come first, so that a cut never loses them.
    ordered = sorted(rows, key=lambda row: row.get("stat", "")[:1] not in "TDZ")
    table = [_row(row, stuck) for row in ordered[:MOST_ROWS]]
    return Finding({"count": len(rows), "table": table})


def _in_disk_sleep(rows: Sequence[Mapping[str, str]]) -> set[str]:
    return {row.get("pid", "") for row in rows if row.get("stat", "").startswith("D")}


def _row(row: Mapping[str, str], stuck: set[str]) -> dict[str, Json]:
    rss = row.get("rss", "")
    return {
        "pid": printable(row.get("pid", ""), 20),
        "parent": printable(row.get("ppid", ""), 20),
        "name": printable(row.get("comm", ""), 64),
        "state": printable(row.get("stat", ""), 10),
        "age_s": int(row["etimes"]) if row.get("etimes", "").isdigit() else None,
        "memory_bytes": int(rss) * 1024 if rss.isdigit() else None,
        "waits_in": printable(row.get("wchan", ""), 40),
        **({"stuck": True} if row.get("pid") in stuck else {}),
    }
