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

HUNG = 500
FEW, MANY = 10, 1000
CROWDS = (FEW, 100, MANY)
GREETING_S = 1.0
_INTERVAL_S = 3
_RETRIES, _TIMEOUT_S, _DELAY_S = 3, 1, 1
_NOBODY = dict.fromkeys(("monit", "blackbox"), "not run")


def hung(bed: Bed, times: int) -> list[Figure]:
    """Measure how soon 500 services that accept and keep silent are reported."""
    floor = floor_s(_RETRIES, _TIMEOUT_S, _DELAY_S)
    found = [_hung_once(bed) / floor for _ in range(times)]
    return [
        Figure(
            f"{HUNG} hung services to the first message", "x", median(found), 1.10,
            instead=_NOBODY,
            note=f"as a multiple of the floor of {floor:g} s, counted from the first connection "
            f"that the peer saw; each of {times}: {', '.join(f'{one:.3f}' for one in found)}.",
        )
    ]  # fmt: skip


def _hung_once(bed: Bed) -> float:
    bed.watcher.put_right()
    bed.inbox.clear()
    with silence(bed.host, HUNG) as peer, ThreadPoolExecutor(1) as waiting:
        bed.watcher.configure(
            watch={"interval_s": 60, "retries": _RETRIES, "attempt_timeout_s": _TIMEOUT_S,
                   "retry_delay_s": _DELAY_S},
            restart={"max_restarts": 0},
            services=[
                {"name": f"HUNG{number}", "port": port, "probe": "smtp", "tls": "none"}
                for number, port in enumerate(peer.ports)
            ],
        )  # fmt: skip
        called = waiting.submit(peer.wait_for_caller, 30)
        bed.watcher.start()
        first = bed.inbox.wait_for(lambda message: True, 60)
        bed.watcher.stop()
        return first.steady - called.result()


@dataclass(frozen=True, slots=True)
class _Cost:
    """What healthy rounds of one size cost."""

    cpu_ms: float
    """For each service of a round."""
    seconds: float
    """Of a round, from the first connection to the last word."""
    resident_mib: float


def healthy(bed: Bed, rounds: int) -> list[Figure]:
    """Measure CPU for each service and the time of a round with 10, 100 and 1,000 services."""
    bed.watcher.put_right()
    with crowd(bed.host) as peer:
        cost = {count: _cost(bed, peer, count, rounds) for count in CROWDS}
    with crowd(bed.host, GREETING_S) as peer:
        slow = {count: _cost(bed, peer, count, rounds).seconds for count in (FEW, MANY)}
    bed.watcher.put_right()
    memory = ", ".join(f"{cost[count].resident_mib:.0f}" for count in CROWDS)
    return [
        *(
            Figure(
                f"CPU for each of {count} healthy services", "ms", cost[count].cpu_ms,
                1.1 * cost[FEW].cpu_ms if count == MANY else None, instead=_NOBODY,
                note=f"a whole SMTP conversation without TLS; linear means no more than 1.1 x "
                f"that of {FEW}; {rounds} rounds each. Resident: {memory} MiB."
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
            f"round of {MANY} services that greet late", "x", slow[MANY] / slow[FEW], 1.25,
            instead=_NOBODY,
            note=f"of servers that greet after {GREETING_S:g} s, as a multiple of the round of "
            f"{FEW}: {slow[MANY]:.3f} s and {slow[FEW]:.3f} s.",
        ),
    ]  # fmt: skip


def _cost(bed: Bed, peer: Crowd, count: int, rounds: int) -> _Cost:
    """Let the installed service watch `count` services of `peer` for some rounds."""
    bed.watcher.configure(
        watch={"interval_s": _INTERVAL_S, "attempt_timeout_s": 5},
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
    before = process.cpu_s()
    time.sleep(rounds * _INTERVAL_S)
    cpu_s = process.cpu_s() - before
    time.sleep(1)
    served = peer.rounds()
    whole = [one for one in served if one.conversations == count]
    assert whole, f"no round was whole: {served}"
    assert len(whole) == len(served), f"a round was not whole: {served}"
    cost = _Cost(
        cpu_s / len(whole) / count * 1000,
        median(one.seconds for one in whole),
        process.resident_mib(),
    )
    bed.watcher.stop()
    return cost
