"""Figures of many services: hung ones are reported on time, healthy ones cost their due."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from tests.bench.bed import Bed
from tests.bench.meter import process_of
from tests.bench.outage import floor_s
from tests.bench.peers import Crowd, crowd, silence
from tests.bench.report import Figure
from tests.e2e.bed.watcher import UNIT

HUNG = 1000
FEW, MANY = 10, 1000
CROWDS = (FEW, 100, MANY)
GREETING_S = 1.0
_INTERVAL_S = 3
_LOOK_EVERY_S = 0.3
_RETRIES, _TIMEOUT_S, _DELAY_S = 3, 1, 1
_NOBODY = dict.fromkeys(("monit", "blackbox"), "not run")


def hung(bed: Bed, times: int) -> list[Figure]:
    """Measure how soon 1,000 services that accept and keep silent are reported."""
    floor = floor_s(_RETRIES, _TIMEOUT_S, _DELAY_S)
    outages = [_hung_once(bed) for _ in range(times)]
    found = [seconds / floor for seconds, _ in outages]
    return [
        Figure(
            f"resident at its most, {HUNG} hung services", "MiB",
            max(resident_mib for _, resident_mib in outages), 50.0, instead=_NOBODY,
        ),
        Figure(
            f"{HUNG} hung services to the first message", "x", median(found), 1.05,
            instead=_NOBODY,
            note=f"as a multiple of the floor of {floor:g} s, counted from the first connection "
            f"that the peer saw; each of {times}: {', '.join(f'{one:.3f}' for one in found)}.",
        )
    ]  # fmt: skip


def _hung_once(bed: Bed) -> tuple[float, float]:
    """Return the seconds to the first message, and the most that was resident, in MiB."""
    bed.watcher.put_right()
    bed.inbox.clear()
    with silence(bed.host, HUNG) as peer, ThreadPoolExecutor(1) as waiting:
        bed.watcher.configure(
            watch={"interval_s": 60, "retries": _RETRIES, "attempt_timeout_s": _TIMEOUT_S,
                   "retry_delay_s": _DELAY_S, "smtp_per_second": 0},
            restart={"max_restarts": 0},
            services=[
                {"name": f"HUNG{number}", "port": port, "probe": "smtp", "tls": "none"}
                for number, port in enumerate(peer.ports)
            ],
        )  # fmt: skip
        called = waiting.submit(peer.wait_for_caller, 30)
        bed.watcher.start()
        first = bed.inbox.wait_for(lambda message: True, 60)
        resident_mib = process_of(bed.host, UNIT).most_resident_mib()
        bed.watcher.stop()
        return first.steady - called.result(), resident_mib


@dataclass(frozen=True, slots=True)
class _Cost:
    """What healthy rounds of one size cost."""

    cpu_ms: float
    """For each service of a round."""
    seconds: float
    """Of a round, from the first connection to the last word."""
    resident_mib: float
    """At its most."""
    threads: int
    """At its most."""


def healthy(bed: Bed, rounds: int) -> list[Figure]:
    """Measure CPU for each service and the time of a round with 10, 100 and 1,000 services."""
    bed.watcher.put_right()
    with crowd(bed.host) as peer:
        cost = {count: _cost(bed, peer, count, rounds) for count in CROWDS}
    with crowd(bed.host, GREETING_S) as peer:
        slow = {count: _cost(bed, peer, count, rounds) for count in (FEW, MANY)}
    bed.watcher.put_right()
    memory = ", ".join(f"{cost[count].resident_mib:.0f}" for count in CROWDS)
    return [
        *(
            Figure(
                f"CPU for each of {count} healthy services", "ms", cost[count].cpu_ms,
                0.20 if count == MANY else None, instead=_NOBODY,
                note=f"a whole SMTP conversation without TLS; {rounds} rounds each; "
                f"{cost[count].cpu_ms / cost[FEW].cpu_ms:.2f} x that of {FEW}. "
                f"Resident at most: {memory} MiB."
                if count == MANY else "",
            )
            for count in CROWDS
        ),
        *(
            Figure(
                f"round of {count} healthy services", "s", cost[count].seconds, instead=_NOBODY,
                note="of servers that answer at once, so a round is as long as its CPU time and "
                "theirs, which share the processors."
                if count == MANY else "",
            )
            for count in CROWDS
        ),
        Figure(
            f"round of {MANY} services that greet late", "x",
            slow[MANY].seconds / slow[FEW].seconds, 1.10, instead=_NOBODY,
            note=f"of servers that greet after {GREETING_S:g} s, as a multiple of the round of "
            f"{FEW}: {slow[MANY].seconds:.3f} s and {slow[FEW].seconds:.3f} s.",
        ),
        Figure("threads meanwhile, at most", "", slow[MANY].threads, 8, instead=_NOBODY),
        Figure(
            "resident meanwhile, at most", "MiB", slow[MANY].resident_mib, 42.0, instead=_NOBODY
        ),
    ]  # fmt: skip


def _cost(bed: Bed, peer: Crowd, count: int, rounds: int) -> _Cost:
    """Let the installed service watch `count` services of `peer` for some rounds."""
    bed.watcher.configure(
        watch={"interval_s": _INTERVAL_S, "attempt_timeout_s": 5, "smtp_per_second": 0},
        services=[
            {"name": f"S{number}", "port": peer.port, "probe": "smtp", "tls": "none"}
            for number in range(count)
        ],
    )
    peer.rounds()
    bed.watcher.start()
    bed.watcher.wait_for_status(f"{count} of {count} services answer")
    process = process_of(bed.host, UNIT)
    # Read in the pause between two rounds, the last one of which is over.
    time.sleep(1)
    peer.rounds()
    before, threads = process.cpu_s(), 0
    end = time.monotonic() + rounds * _INTERVAL_S
    while time.monotonic() < end:
        threads = max(threads, process.threads())
        time.sleep(_LOOK_EVERY_S)
    cpu_s = process.cpu_s() - before
    time.sleep(1)
    served = peer.rounds()
    whole = [one for one in served if one.conversations == count]
    assert whole, f"no round was whole: {served}"
    assert len(whole) == len(served), f"a round was not whole: {served}"
    cost = _Cost(
        cpu_s / len(whole) / count * 1000,
        median(one.seconds for one in whole),
        process.most_resident_mib(),
        threads,
    )
    bed.watcher.stop()
    return cost
