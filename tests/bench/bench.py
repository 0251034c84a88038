"""`make bench`: our figures beside those of monit and blackbox_exporter, in one run on one machine.

Run it as root on an otherwise idle machine; `--quick` for a look, `--json` for a program.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import healthy, outage, scale
from tests.bench.bed import Bed, made
from tests.bench.report import Figure, as_json, as_table
from tests.bench.rivals import Unavailable
from tests.e2e.bed.images import BuildFailed

PARTS = ("healthy", "outage", "scale")


def main() -> int:
    """Measure and print; return 1 where something was not measured or, if strict, missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no proof")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all of them if none")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    began = time.monotonic()
    busy = os.getloadavg()[0]
    try:
        with made() as bed:
            figures, whole = _measure(bed, args.parts or PARTS, args.quick)
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


def _measure(bed: Bed, parts: Sequence[str], quick: bool) -> tuple[list[Figure], bool]:
    """Return the figures, and whether all could be taken: one that fails costs no other."""
    few = 1 if quick else 3
    steps: dict[str, list[tuple[str, Callable[[], list[Figure]]]]] = {
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
    }
    figures: list[Figure] = []
    whole = True
    for part in parts:
        for what, step in steps[part]:
            sys.stderr.write(f"bench: {what}\n")
            try:
                figures += step()
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                whole = False
                sys.stderr.write(f"bench: {what} could not be measured: {error}\n")
                bed.calm()
    return figures, whole


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
