"""`make bench`: our figures beside those of others, in one run on one machine.

The others are monit, blackbox_exporter, a program in bare C that is the floor and, with `--old` (or
`make bench OLD=PATH`), the mailwatch of another source tree. Run it as root on an otherwise idle
machine; `--quick` for a look, `--json` for a program.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import healthy, lasting, outage, scale
from tests.bench.bed import Bed, made, package_of
from tests.bench.report import Figure, as_json, as_table, beside
from tests.bench.rivals import Unavailable
from tests.e2e.bed.images import BuildFailed
from tests.e2e.bed.need import TOP

PARTS = ("healthy", "outage", "scale", "lasting")


def main() -> int:
    """Measure and print; return 1 where something was not measured or, if strict, missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no proof")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--old", type=Path, metavar="PATH", help="a tree to measure beside this")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all of them if none")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    began = time.monotonic()
    busy = os.getloadavg()[0]
    try:
        trees = [TOP, args.old.resolve()] if args.old else [TOP]
        packages = {tree: package_of(tree) for tree in trees}
        with made(packages[TOP]) as bed:
            figures, whole = _measure(bed, packages, args.parts or PARTS, args.quick)
            machine = _machine(bed, busy, time.monotonic() - began)
    except (Unavailable, BuildFailed, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"The bench cannot run: {error}\n")
        return 1
    if args.json:
        sys.stdout.write(as_json(figures, machine) + "\n")
    else:
        lines = [f"{name}: {value}" for name, value in machine.items()]
        sys.stdout.write("\n".join([*lines, "", as_table(figures), ""]))
    missed = any(figure.verdict not in ("", "reached") for figure in figures)
    return 1 if not whole or (args.strict and missed) else 0


Step: TypeAlias = Callable[[], list[Figure]]


def _measure(
    bed: Bed, trees: dict[Path, Path], parts: Sequence[str], quick: bool
) -> tuple[list[Figure], bool]:
    """Return the figures, and whether all could be taken: one that fails costs no other.

    `trees` has the package of each, ours first. A step is taken for all before the next one is.
    """
    figures: list[Figure] = []
    whole = True
    for alike in zip(*(_steps(bed, tree, parts, quick) for tree in trees), strict=True):
        found: list[dict[str, Figure]] = []
        for tree, (what, step) in zip(trees, alike, strict=True):
            sys.stderr.write(f"bench: {what} ({tree.name})\n")
            try:
                bed.install(trees[tree])
                found.append({figure.name: figure for figure in step()})
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                whole = False
                found.append({})
                sys.stderr.write(f"bench: {what} could not be measured: {error}\n")
                bed.calm()
        ours, *others = found
        for name, figure in ours.items():
            figures.append(beside(figure, *(old.get(name) for old in others)))
    return figures, whole


def _steps(bed: Bed, tree: Path, parts: Sequence[str], quick: bool) -> list[tuple[str, Step]]:
    """Return what is to be measured of `tree`, which is installed by then."""
    few = 1 if quick else 3
    steps: dict[str, list[tuple[str, Step]]] = {
        "healthy": [
            (
                "CPU and memory of healthy rounds",
                lambda: healthy.rounds(bed, 2 if quick else 5, 10 if quick else 20),
            ),
            ("start and end", lambda: healthy.start_and_end(bed, times=3 * few)),
        ],
        "outage": [
            ("outages", lambda: outage.outages(bed, few, patient=not quick)),
            ("the end during an outage", lambda: outage.end_while_hung(bed, few)),
        ],
        "scale": [
            ("hung services by the hundred", lambda: scale.hung(bed, few)),
            ("healthy services by the thousand", lambda: scale.healthy(bed, 3 if quick else 10)),
        ],
        "lasting": [
            ("what is written in an hour", lambda: lasting.written(bed)),
            ("the latest end", lambda: lasting.latest_end(tree)),
        ],
    }
    return [step for part in parts for step in steps[part]]


def _machine(bed: Bed, busy: float, took_s: float) -> dict[str, str]:
    return {
        "machine": f"{os.cpu_count()} processors, Linux {platform.release()}",
        "host": bed.host.run(". /etc/os-release; echo $PRETTY_NAME; python3 --version").replace(
            "\n", ", "
        ),
        "mailwatch": bed.host.run("mailwatch --version"),
        "monit": bed.host.run("monit --version | head -1"),
        "blackbox": bed.host.run("blackbox --version 2>&1 | head -1"),
        "took": f"{took_s:.0f} s",
        "load before and after": f"{busy:.1f}, {os.getloadavg()[0]:.1f} (above 1 before means that "
        "others were at work: then believe CPU times only as upper bounds)",
    }


if __name__ == "__main__":
    raise SystemExit(main())
