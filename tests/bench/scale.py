"""Figures of many services: hung ones are reported on time, healthy ones cost their due."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tests.bench.bed import Bed
from tests.bench.meter import process_of
from tests.bench.outage import floor_s
from tests.bench.peers import crowd, silence
from tests.bench.report import Figure
from tests.e2e.bed.watcher import UNIT

HUNG = 500
CROWDS = (10, 100, 1000)
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


def healthy(bed: Bed, rounds: int) -> list[Figure]:
    """Measure CPU for each service and the time of a round with 10, 100 and 1,000 services."""
    cpu_ms: dict[int, float] = {}
    seconds: dict[int, float] = {}
    memory: dict[int, float] = {}
    bed.watcher.put_right()
    with crowd(bed.host) as peer:
        for count in CROWDS:
            bed.watcher.configure(
                watch={"interval_s": 3, "attempt_timeout_s": 5},
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
            time.sleep(rounds * 3)
            cpu_s = process.cpu_s() - before
            time.sleep(1)
            served = peer.rounds()
            whole = [one for one in served if one.conversations == count]
            assert whole, f"no round was whole: {served}"
            assert len(whole) == len(served), f"a round was not whole: {served}"
            cpu_ms[count] = cpu_s / len(whole) / count * 1000
            seconds[count] = median(one.seconds for one in whole)
            memory[count] = process.resident_mib()
            bed.watcher.stop()
    bed.watcher.put_right()
    small, most = CROWDS[0], CROWDS[-1]
    each = [
        Figure(
            f"CPU for each of {count} healthy services", "ms", cpu_ms[count],
            1.1 * cpu_ms[small] if count == most else None, instead=_NOBODY,
        )
        for count in CROWDS
    ]  # fmt: skip
    each[-1] = Figure(
        each[-1].name, "ms", cpu_ms[most], 1.1 * cpu_ms[small], instead=_NOBODY,
        note=f"a whole SMTP conversation without TLS; linear means no more than 1.1 x that of "
        f"{small}; {rounds} rounds each. Resident: "
        f"{', '.join(f'{memory[count]:.0f}' for count in CROWDS)} MiB.",
    )  # fmt: skip
    return [
        *each,
        *(
            Figure(
                f"round of {count} healthy services", "s", seconds[count], instead=_NOBODY,
                note="from the first connection to the last word, by the peer, which takes its "
                "share of the same processors; beyond that a round is as long as its CPU time."
                if count == most else "",
            )
            for count in CROWDS
        ),
    ]  # fmt: skip
