"""Throws broken conversations at the probes, by default a million, and says what they did.

No probe may raise, blame itself, outlive its deadline by more than 50 ms, show what is not
printable, show a secret, or use more than a fixed amount of memory. A stream is made from a seed
and its number alone, so `--seed S --first N --streams 1` plays one again. A canary has two peers;
what it removes from the mailbox must bear its own mark.
"""

# ruff: noqa: T201  a program for a terminal

from __future__ import annotations

import argparse
import ctypes
import gc
import multiprocessing
import os
import random
import resource
import sys
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from mailwatch.core.deadline import Deadline
from mailwatch.core.model import Reading
from mailwatch.core.say import say
from mailwatch.net.engine import ENGINE, Steps
from mailwatch.probes import canary, canary_mailbox
from mailwatch.probes.canary import Settings as CanaryRules
from mailwatch.probes.catalogue import build
from mailwatch.probes.probe import Check

if TYPE_CHECKING:
    from tests.fuzz import canaries, streams
    from tests.fuzz.peer import FuzzPeer, servers
    from tests.fuzz.streams import Stream
else:  # the directory of the script is where Python looks first
    import canaries
    import streams
    from peer import FuzzPeer, servers

LATE_S = 0.05
MOST_MEMORY = 2 * 1024 * 1024
"""Bytes that one check may allocate at a time; the peer's side of it is counted along."""
MOST_RESIDENT_KIB = 16 * 1024
"""How much a process may grow from its thousandth stream on."""
MEASURE_MEMORY_EVERY = 200
ROUNDS = 2
"""A canary is looked for anew with each check."""
REPLAYS = 5
"""A machine that is busy with other things is late at times; a probe is late every time."""


def _any(chance: random.Random) -> Stream:
    return chance.choice([streams.make, streams.make, streams.make, canaries.make])(chance)


KINDS: dict[str, Callable[[random.Random], Stream]] = {
    "any": _any,
    "probes": streams.make,
    "canary": canaries.make,
    "costly": streams.make_costly,
}


@dataclass
class Outcome:
    """What one process has seen."""

    streams: int = 0
    readings: Counter[str] = field(default_factory=Counter)
    slow: int = 0
    latest_s: float = 0.0
    most_memory: int = 0
    grown_kib: int = 0
    complaints: list[str] = field(default_factory=list)


class Fuzzer:
    """Plays streams to probes, one after the other."""

    def __init__(self, kind: str, seed: int) -> None:
        contexts = servers()
        self._peer = FuzzPeer(contexts)
        self._mailbox = FuzzPeer(contexts, hears_out=True)
        self._kind = kind
        self._seed = seed
        self._number = 0
        self.outcome = Outcome()
        canary.new_mark = lambda: canaries.MARK  # type: ignore[attr-defined]
        canary_mailbox._LOOK_AGAIN_S, canary_mailbox._LEAVE_S = 0.001, 0.02
        threading.excepthook = self._thread_has_died

    def play(self, number: int) -> None:
        """Play one stream and judge it."""
        outcome = self.outcome
        outcome.streams += 1
        self._number = number
        stream = KINDS[self._kind](random.Random(f"{self._seed}/{number}"))
        measured = number % MEASURE_MEMORY_EVERY == 0
        if measured:
            tracemalloc.start()
        try:
            reading, late_s = self._check(stream, number)
            if measured:
                _, peak = tracemalloc.get_traced_memory()
                outcome.most_memory = max(outcome.most_memory, peak)
                if peak > MOST_MEMORY:
                    self._complain(number, f"used {peak} bytes at a time")
        except Exception as error:  # noqa: BLE001  it is what we look for
            self._complain(number, f"raised {error!r}")
            return
        finally:
            tracemalloc.stop()
        if late_s > LATE_S and not measured:
            outcome.slow += 1
            late_s = min(self._check(stream, number)[1] for _ in range(REPLAYS))
            if late_s > LATE_S:
                self._complain(number, f"was {1000 * late_s:.0f} ms late, {REPLAYS} times over")
        if not measured:
            outcome.latest_s = max(outcome.latest_s, late_s)
        outcome.readings[reading.fault or reading.verdict] += 1
        for sentence in _wrong_with(reading):
            self._complain(number, sentence)

    def close(self) -> None:
        """End the peers."""
        self._peer.close()
        self._mailbox.close()

    def _check(self, stream: Stream, number: int) -> tuple[Reading, float]:
        """Return the last reading, and how late the latest check was."""
        settings = replace(stream.settings, port=self._peer.port)
        if isinstance(settings.options, CanaryRules):
            rules = replace(settings.options, imap_port=self._mailbox.port)
            settings = replace(settings, options=rules)
        probe = build(settings)
        latest_s = float("-inf")
        for _ in range(ROUNDS if stream.mailbox else 1):
            self._peer.play(stream, number)
            if stream.mailbox:
                self._mailbox.play(stream.mailbox, number)
            reading, late_s = _attempt(probe, stream.within_s)
            latest_s = max(latest_s, late_s)
            self._peer.settle()
            if stream.mailbox:
                self._mailbox.settle()
                for what in canaries.wrong_with(self._mailbox.heard, stream.mailbox.turns):
                    self._complain(number, what)
        return reading, latest_s

    def _thread_has_died(self, death: threading.ExceptHookArgs) -> None:
        self._complain(self._number, f"a thread raised {death.exc_value!r}")

    def _complain(self, number: int, what: str) -> None:
        self.outcome.complaints.append(
            f"--kind {self._kind} --seed {self._seed} --first {number} --streams 1: {what}"
        )


def _attempt(probe: Check, within_s: float) -> tuple[Reading, float]:
    """Return how one attempt goes, held by the engine as a round's are, and how late it was."""
    answer: Queue[tuple[Reading, float]] = Queue()

    def hold() -> Steps[None]:
        starved_s = _starved_s()
        deadline = Deadline.after(within_s, time.monotonic)
        # A service whose login gets no answer is asked once more without.
        ends = deadline.at + (within_s if probe.settings.login else 0.0)
        reading = yield from probe.attempt(deadline)
        answer.put((reading, time.monotonic() - ends - (_starved_s() - starved_s)))

    ENGINE.begin([hold()])
    return answer.get()


def _starved_s() -> float:
    """How long this thread has waited for a processor, which is no fault of a probe (proc(5))."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def _resident_kib() -> int:
    """What this process holds, without what the allocator keeps for later (malloc_trim(3))."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def _wrong_with(reading: Reading) -> list[str]:
    wrong = []
    if "a fault of mailwatch" in say(reading.detail):
        wrong.append(f"blamed itself: {reading.detail}")
    if not (say(reading.detail).isprintable() and len(say(reading.detail)) <= 300):
        wrong.append(f"showed {reading.detail!r}")
    if "s3cret" in say(reading.detail):
        wrong.append("showed the password")
    return wrong


def _work(kind: str, seed: int, first: int, count: int, step: int) -> Outcome:
    fuzzer = Fuzzer(kind, seed)
    early_kib = 0
    for played, number in enumerate(range(first, first + count, step)):
        fuzzer.play(number)
        if played == 1000:
            early_kib = _resident_kib()
        if len(fuzzer.outcome.complaints) >= 20:
            break
    if early_kib:
        fuzzer.outcome.grown_kib = _resident_kib() - early_kib
    fuzzer.close()
    return fuzzer.outcome


def main() -> int:
    """Run the streams on every core and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=KINDS, default="any")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    print(
        f"seed {args.seed}, {args.streams} streams of {args.kind} on {args.jobs} cores", flush=True
    )
    began = time.monotonic()
    tasks = [
        (args.kind, args.seed, args.first + job, args.streams - job, args.jobs)
        for job in range(args.jobs)
    ]
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        outcomes = pool.starmap(_work, tasks)
    readings = sum((outcome.readings for outcome in outcomes), Counter[str]())
    took = time.monotonic() - began
    print(f"{sum(outcome.streams for outcome in outcomes)} streams in {took:.0f} s")
    print("readings:", ", ".join(f"{count} {name}" for name, count in readings.most_common()))
    print(f"latest end: {1000 * max(o.latest_s for o in outcomes):.1f} ms after its deadline")
    print(f"late once, but not when played again: {sum(o.slow for o in outcomes)}")
    print(f"most memory of one check: {max(o.most_memory for o in outcomes) // 1024} KiB")
    grown_kib = max(outcome.grown_kib for outcome in outcomes)
    print(f"a process grew by {grown_kib} KiB after its first 1000 streams")
    complaints = [complaint for outcome in outcomes for complaint in outcome.complaints]
    if grown_kib > MOST_RESIDENT_KIB:
        complaints.append("the process keeps growing")
    for complaint in complaints:
        print("WRONG:", complaint)
    print("nothing wrong" if not complaints else f"{len(complaints)} things wrong")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
