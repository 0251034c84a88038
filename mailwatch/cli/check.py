"""`mailwatch check`: one round, for a person, a script or a monitoring system."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from queue import SimpleQueue

from mailwatch.asker import RoundAsker
from mailwatch.cli.exit_codes import CRITICAL, OK, UNKNOWN
from mailwatch.cli.options import add_options, load_from
from mailwatch.cli.table import aligned
from mailwatch.config.model import Config
from mailwatch.core.model import Reading, Verdict
from mailwatch.core.text import join_words
from mailwatch.probes.registry import build
from mailwatch.reports import Mailbox, RoundDone

_CODES = {Verdict.PASS: OK, Verdict.FAIL: CRITICAL, Verdict.UNMEASURED: UNKNOWN}
_WORDS = {OK: "OK", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "check",
        help="ask every service once, and show how it went",
        description="Ask every service and show how it went; nothing is restarted or sent.",
        epilog="Exit code: 0 all answer, 2 at least one fails, 3 at least one could not be "
        "looked at or the configuration is bad.",
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--once", action="store_true", help="one attempt per service, whatever watch.retries is"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Hold one round, print it, and return the monitoring plugins' exit code."""
    config = load_from(args)
    readings = one_round(config, once=args.once)
    code = _code(readings)
    if args.json:
        print(json.dumps(_as_json(readings, code), indent=2))
    elif sys.stdout.isatty():
        print("\n".join(_table(readings)))
        print(_summary(readings))
    else:
        print(f"MAILWATCH {_WORDS[code]} - {_summary(readings)} | {_performance(readings)}")
        for reading in readings:
            if reading.verdict is not Verdict.PASS:
                print(f"{reading.service}: {reading.detail}")
    return code


def one_round(config: Config, once: bool = False) -> tuple[Reading, ...]:
    """Ask all services of `config`, with its retries unless `once`."""
    mailbox: Mailbox = SimpleQueue()
    asker = RoundAsker([build(service) for service in config.services], mailbox, time.monotonic)
    attempts = config.policy.attempts
    asker.begin(1, replace(attempts, retries=1) if once else attempts)
    while True:
        report = mailbox.get()
        if isinstance(report, RoundDone):
            return report.readings


def _code(readings: Sequence[Reading]) -> int:
    codes = {_CODES[reading.verdict] for reading in readings}
    return next(code for code in (CRITICAL, UNKNOWN, OK) if code in codes)


def _summary(readings: Sequence[Reading]) -> str:
    well = sum(reading.verdict is Verdict.PASS for reading in readings)
    line = f"{well} of {len(readings)} services answer"
    failing = [reading.service for reading in readings if reading.verdict is Verdict.FAIL]
    return f"{line}; {join_words(failing)} failed" if failing else line


def _table(readings: Sequence[Reading]) -> list[str]:
    rows = [("SERVICE", "RESULT", "SECONDS", "DETAIL")]
    for reading in readings:
        steps = ", ".join(f"{phase} {1000 * s:.1f} ms" for phase, s in reading.phases.items())
        result = str(reading.fault or reading.verdict)
        rows.append((reading.service, result, f"{reading.seconds:.3f}", reading.detail or steps))
    return aligned(rows)


def _performance(readings: Sequence[Reading]) -> str:
    # A label in single quotes may hold anything but a quote and an equals sign.
    labels = [reading.service.replace("'", "").replace("=", "") for reading in readings]
    return " ".join(
        f"'{label}'={reading.seconds:.4f}s" for label, reading in zip(labels, readings, strict=True)
    )


def _as_json(readings: Sequence[Reading], code: int) -> dict[str, object]:
    return {
        "result": _WORDS[code].lower(),
        "services": [
            {
                "service": reading.service,
                "verdict": reading.verdict,
                "fault": reading.fault,
                "detail": reading.detail,
                "seconds": round(reading.seconds, 6),
                "phases": {phase: round(s, 6) for phase, s in reading.phases.items()},
                "certificate_expires": reading.certificate_expires,
            }
            for reading in readings
        ],
    }
