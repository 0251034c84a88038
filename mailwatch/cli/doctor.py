"""`mailwatch doctor`: what will fail before it fails, and what to do about it."""

from __future__ import annotations

import argparse
import json

from mailwatch.cli.exit_codes import CRITICAL, OK, WARNING
from mailwatch.cli.main import Subparsers
from mailwatch.cli.options import add_options, load_by_hand
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.doctor.checks import CHECKS, examine
from mailwatch.doctor.finding import Finding, Level

_CODES = {Level.OK: OK, Level.WARNING: WARNING, Level.PROBLEM: CRITICAL}
_LEVEL_WIDTH = max(map(len, Level))
_NAME_WIDTH = max(len(name) for name, _ in CHECKS)
_LONGEST = 600


def add(subparsers: Subparsers) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="find what will fail before it fails",
        description="Examine this host for what will fail: services, ports, Docker, Gotify, the "
        "unit, the state directory, the clock. Run it as root; nothing is restarted or changed.",
        epilog="Exit code: 0 all well, 1 warnings, 2 problems, 78 the configuration has mistakes.",
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--send", action="store_true", help="send a test message, too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, print each finding with its cure, and return the exit code."""
    case = Case(load_by_hand(args), send=args.send)
    findings: list[tuple[str, Finding]] = []
    for name, finding in examine(case):
        findings.append((name, finding))
        if not args.json:
            print("\n".join(_lines(name, finding)), flush=True)
    worst = max((finding.level for _, finding in findings), key=lambda level: _CODES[level])
    if args.json:
        print(json.dumps(_as_json(findings, worst), indent=2))
    else:
        print(_summary([finding.level for _, finding in findings]))
    return _CODES[worst]


def _lines(name: str, finding: Finding) -> list[str]:
    sentence = printable(finding.sentence, _LONGEST)
    lines = [f"{finding.level:<{_LEVEL_WIDTH}}  {name:<{_NAME_WIDTH}}  {sentence}"]
    if finding.cure:
        indent = " " * (_LEVEL_WIDTH + _NAME_WIDTH + 4)
        lines.append(f"{indent}-> {printable(finding.cure, _LONGEST)}")
    return lines


def _summary(levels: list[Level]) -> str:
    problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
    if not problems and not warnings:
        return "All is well, and there is nothing to do."
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((problems, "problem"), (warnings, "warning"))
        if count
    ]
    return f"{' and '.join(counts)}; the arrows say what to do."


def _as_json(findings: list[tuple[str, Finding]], worst: Level) -> dict[str, object]:
    return {
        "result": worst,
        "findings": [
            {
                "check": name,
                "level": finding.level,
                "sentence": printable(finding.sentence, _LONGEST),
                "cure": printable(finding.cure, _LONGEST),
            }
            for name, finding in findings
        ],
    }
