"""Kills mailwatch wherever it may be, thousands of times, and checks what it lost or did twice.

`campaign.py` first kills it once at each call of each scenario (of the longest, at some), with
and without a reboot, then at random, several times a night, at calls, SQL statements, points of
its peers and moments, until there were `--kills` kills or `--minutes` have passed. It stops at
the first broken promise, and says how to see that again. Exit code 0 where all promises were
kept, 1 where one was broken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.util
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.campaign.dying import die_with
from tests.campaign.judge import judge
from tests.campaign.lives import Nursery
from tests.campaign.night import Night
from tests.campaign.plan import At, Death, Plan, Result, read
from tests.campaign.scenarios import SCENARIOS
from tests.campaign.story import story_of

MOST_DEATHS = 6
"""In one random night."""

MOST_OF_A_KIND = 100
"""So many boundaries of one scenario are tried one by one, by each campaign other ones."""


@cache
def _nursery() -> Nursery:
    """One for each process of the pool, and ended with it."""
    nursery = Nursery()
    # A process of a pool ends without running what atexit has.
    multiprocessing.util.Finalize(None, nursery.close, exitpriority=10)
    return nursery


def spend(plan: Plan) -> Result:
    """Live through one night and judge it."""
    night = Night(plan, _nursery())
    try:
        result = night.run()
        if not result.faults:
            result.faults += judge(night)
        if result.faults:
            result.story = "\n".join(story_of(night))
        return result
    finally:
        night.close()


def say(line: str) -> None:
    """Print one line or more, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


NO_REBOOT = {"disk_hangs"}
"""A host that goes down with a disk that takes nothing forgets what it had in memory."""


def pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of processes for spend()."""
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, spawn, initializer=die_with, initargs=(os.getpid(),))


def every_call(scenario: str, calls: int, reboot: bool = False) -> Iterator[Plan]:
    """Yield a plan for each of the first `calls` boundaries of a life."""
    for number in range(1, calls + 1):
        yield Plan(scenario, (Death(At.CALL, number, reboot),))


def every_peer_point(scenario: str, points: int) -> Iterator[Plan]:
    """Yield a plan for each of the first `points` points of the container and the inbox."""
    for number in range(1, points + 1):
        yield Plan(scenario, (Death(At.PEER, number),))


def at_random(seed: int, scenarios: tuple[str, ...]) -> Plan:
    """Return the plan that belongs to `seed`."""
    chance = random.Random(seed)
    statements = chance.random() < 0.4
    deaths = []
    for _ in range(chance.randint(1, MOST_DEATHS)):
        at = chance.choice(list(At))
        number: float
        if at is At.CALL:
            number = chance.randint(1, 400 if statements else 60)
        elif at is At.PEER:
            number = chance.randint(1, 6)
        else:
            number = round(chance.uniform(0.01, 1.2), 3)
        deaths.append(Death(at, number, chance.random() < 0.2))
    scenario = chance.choice(scenarios)
    if scenario in NO_REBOOT:
        deaths = [replace(death, reboot=False) for death in deaths]
    return Plan(scenario, tuple(deaths), statements, seed)


class Tally:
    """Counts nights and kills, and prints how far it is."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.nights = self.kills = 0
        self._said = self.began

    def add(self, result: Result) -> None:
        """Count one night."""
        self.nights += 1
        self.kills += result.deaths
        if time.monotonic() - self._said > 10:
            self._said = time.monotonic()
            say(f"  {self.summary()}")

    def summary(self) -> str:
        """Return the figures as one line."""
        minutes = (time.monotonic() - self.began) / 60
        rate = self.kills / minutes if minutes else 0
        return (
            f"{self.kills} kills in {self.nights} nights and {minutes:.1f} minutes "
            f"({rate:.0f} a minute)"
        )


def run_all(
    plans: Iterator[Plan], executor: ProcessPoolExecutor, workers: int, tally: Tally, kills: int,
    until: float,
) -> Result | None:  # fmt: skip
    """Spend the nights of `plans`; return the first with a fault, None where there is none."""
    pending: set[Future[Result]] = set()
    while True:
        while len(pending) < workers and tally.kills < kills and time.monotonic() < until:
            plan = next(plans, None)
            if plan is None:
                break
            pending.add(executor.submit(spend, plan))
        if not pending:
            return None
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result()
            tally.add(result)
            if result.faults:
                for other in pending:
                    other.cancel()
                return result


def tell_fault(result: Result) -> None:
    """Print what was broken and how to see it again."""
    say(f"\nBROKEN in {result.plan.words}")
    for fault in result.faults:
        say(f"  - {fault}")
    say(result.story)
    say(f"\nAgain: tests/campaign/campaign.py --replay '{result.plan.words}'")
    if result.plan.seed:
        say(f"   or: tests/campaign/campaign.py --seed {result.plan.seed} --kills 1 --random")


def plans_of(args: argparse.Namespace, scenarios: tuple[str, ...]) -> Iterator[Plan]:
    """Yield every plan of a campaign, in the order that `args` ask for."""
    if args.replay:
        yield read(args.replay)
        return
    if not args.random:
        for scenario in scenarios:
            # How many there are is learnt from a life without a death.
            whole = spend(Plan(scenario))
            if whole.faults:
                tell_fault(whole)
                raise SystemExit(1)
            say(f"{scenario}: {whole.calls} calls, {whole.peers} points, {whole.seconds:.1f} s")
            calls = list(every_call(scenario, whole.calls))
            points = list(every_peer_point(scenario, whole.peers))
            reboots = list(every_call(scenario, whole.calls, reboot=True))
            if scenario in NO_REBOOT:
                reboots = []
            for plans in (calls, points, reboots):
                # A long night repeats itself: of it, every other one, or every fifth.
                step = -(-len(plans) // MOST_OF_A_KIND)
                yield from plans[args.seed % step :: step] if plans else ()
    seed = args.seed
    while True:
        yield at_random(seed, scenarios)
        seed += 1


def main() -> int:
    """Run a campaign as the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end after so many")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the random nights")
    parser.add_argument("--random", action="store_true", help="random nights only")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one")
    parser.add_argument("--replay", metavar="PLAN", help="spend this one night, and tell it")
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1))
    args = parser.parse_args()
    scenarios = tuple(args.scenario or SCENARIOS)
    tally = Tally()
    if args.replay:
        result = spend(read(args.replay))
        say(result.story or f"All promises were kept in {result.plan.words}.")
        for fault in result.faults:
            say(f"BROKEN: {fault}")
        return 1 if result.faults else 0
    say(f"seed {args.seed}, {args.workers} nights at a time")
    until = time.monotonic() + args.minutes * 60
    with pool(args.workers) as executor:
        broken = run_all(
            plans_of(args, scenarios), executor, args.workers, tally, args.kills, until
        )
    if broken is not None:
        tell_fault(broken)
    say(f"{'BROKEN' if broken else 'All promises kept'}: {tally.summary()}, seed {args.seed}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
