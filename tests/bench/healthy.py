"""Figures while all is well: CPU of a round, memory, start, end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from tests.bench.bed import Bed
from tests.bench.meter import between_s, process_of
from tests.bench.report import Figure
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import UNIT

EVERY_S = 1
_WARM_UP = 3
WELL = "4 of 4 services answer"


@dataclass
class _Taken:
    """What one program used, a value for each batch."""

    cpu_ms: list[float] = field(default_factory=list)
    resident_mib: list[float] = field(default_factory=list)
    private_mib: list[float] = field(default_factory=list)
    rounds: int = 0


def rounds(bed: Bed, batches: int, count: int) -> list[Figure]:
    """Measure `batches` times `count` rounds of each program, taking turns."""
    ours, monit, blackbox, floor = _Taken(), _Taken(), _Taken(), _Taken()
    for _ in range(batches):
        bed.watcher.configure(watch={"interval_s": EVERY_S, "smtp_per_second": 0})
        _batch(bed, UNIT, ours, count, bed.watcher.start, bed.watcher.stop)
        bed.monit.configure(every_s=EVERY_S, timeout_s=5, failures=3)
        _batch(bed, bed.monit.unit, monit, count, bed.monit.start, bed.monit.stop)
        one = bed.blackbox
        _batch(bed, one.unit, blackbox, count, one.start, one.stop, one.ask)
        if bed.floor:
            _batch(bed, bed.floor.unit, floor, count, bed.floor.start, bed.floor.stop)
    cpu_ms = median(ours.cpu_ms)
    others = {"monit": median(monit.cpu_ms), "blackbox": median(blackbox.cpu_ms)}
    if bed.floor:
        others["floor"] = median(floor.cpu_ms)
    many = f"median of {batches} batches of {count} rounds, {EVERY_S} s apart"
    return [
        Figure(
            "CPU of a healthy round of 4 services", "ms", cpu_ms, None, others,
            note=f"{many}; user and system time of the process (its CPU clock), with all that it "
            "does beside the probes: ours records the round in SQLite and feeds the watchdog, "
            "blackbox answers 4 HTTP requests; monit's IMAP test has no CAPABILITY, and it does "
            f"not read the page. Least of the batches: {min(ours.cpu_ms):.2f}, "
            f"{min(monit.cpu_ms):.2f}, {min(blackbox.cpu_ms):.2f}.",
        ),
        Figure(
            "the same, as a multiple of blackbox's", "x", cpu_ms / others["blackbox"], 0.80,
            {name: cost / others["blackbox"] for name, cost in others.items()},
            note="a busy or slow machine stretches all of them alike, and this row least.",
        ),
        Figure(
            "the same, as a multiple of the floor's", "x",
            cpu_ms / others["floor"] if bed.floor else None, 1.5,
            {name: cost / others["floor"] for name, cost in others.items()} if bed.floor else {},
            note="floor.c holds the same four conversations in bare C, one after the other."
            if bed.floor else "left out: no C compiler, or no headers of OpenSSL.",
        ),
        Figure(
            "resident memory, steady", "MiB", max(ours.resident_mib), 26.0,
            {"monit": max(monit.resident_mib), "blackbox": max(blackbox.resident_mib)},
            note=f"VmRSS after {count} rounds, the most of {batches}; of it private: "
            f"{max(ours.private_mib):.1f}, {max(monit.private_mib):.1f}, "
            f"{max(blackbox.private_mib):.1f}.",
        ),
    ]  # fmt: skip


def _batch(
    bed: Bed,
    unit: str,
    taken: _Taken,
    count: int,
    start: Callable[[], None],
    stop: Callable[[], None],
    ask: Callable[[], None] | None = None,
) -> None:
    start()
    process = process_of(bed.host, unit)
    mark = time.time()

    def pass_time(rounds: int) -> None:
        end = time.monotonic() + rounds * EVERY_S
        while time.monotonic() < end:
            if ask:
                ask()
            time.sleep(EVERY_S)

    pass_time(_WARM_UP)
    wait_until(lambda: bed.conversations(mark) >= _WARM_UP, 30, "the first rounds")
    cpu_before, before = process.cpu_s(), bed.conversations(mark)
    pass_time(count)
    done = bed.conversations(mark) - before
    cpu_s = process.cpu_s() - cpu_before
    assert done >= count / 2, f"{unit} held {done} rounds where {count} were to be"
    taken.rounds += done
    taken.cpu_ms.append(cpu_s / done * 1000)
    taken.resident_mib.append(process.resident_mib())
    taken.private_mib.append(process.private_mib())
    stop()


def start_and_end(bed: Bed, times: int) -> list[Figure]:
    """Measure the start up to READY, and the end after SIGTERM while nothing is under way."""
    ready, ended, rivals_ended = [], [], {}
    bed.watcher.configure(watch={"interval_s": 60, "smtp_per_second": 0})
    for _ in range(times):
        bed.watcher.start()
        bed.watcher.wait_for_status(WELL)
        ready.append(between_s(bed.host, UNIT, "ExecMainStart", "ActiveEnter"))
        bed.watcher.stop()
        ended.append(between_s(bed.host, UNIT, "ActiveExit", "ExecMainExit"))
    for one in (bed.monit, bed.blackbox):
        took = []
        for _ in range(times):
            mark = time.time()
            one.start()
            if one is bed.monit:
                wait_until(lambda: bed.conversations(mark), 30, "monit's first round")  # noqa: B023
            one.stop()
            took.append(between_s(bed.host, one.unit, "ActiveExit", "ExecMainExit"))
        rivals_ended[one.name] = median(took)
    return [
        Figure(
            "start to READY", "s", median(ready), 0.3,
            instead=dict.fromkeys(("monit", "blackbox"), "tells none"),
            note=f"median of {times}, by systemd's clock; the longest {max(ready):.2f}.",
        ),
        Figure(
            "SIGTERM to exit, idle", "s", max(ended), 1.0, rivals_ended,
            note=f"the longest of {times} (the others: the median).",
        ),
    ]  # fmt: skip
