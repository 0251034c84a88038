"""`mailwatch doctor`: what will fail before it fails, and what to do about it."""

from __future__ import annotations

import argparse
import json

from mailwatch.cli.exit_codes import CRITICAL, OK, WARNING
from mailwatch.cli.options import add_options, load_by_hand
from mailwatch.core.diagnosis import Diagnosis, Grade
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.doctor.checks import examine

_CODES = {Grade.OK: OK, Grade.WARNING: WARNING, Grade.PROBLEM: CRITICAL}
_GRADE_WIDTH = max(map(len, Grade))
_NAME_WIDTH = 13
"""Of the longest name of a check, `configuration`; a channel may be called anything."""
_LONGEST = 600


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "Examine this host for what will fail: services, ports, what is restarted, "
        "channels, the unit, the state directory, the clock. Run it as root; nothing is restarted "
        "or changed."
    )
    parser.epilog = (
        "Exit code: 0 all well, 1 warnings, 2 problems, 78 the configuration has mistakes."
    )
    add_options(parser, json=True)
    parser.add_argument("--send", action="store_true", help="send a test message, too")


def run(args: argparse.Namespace) -> int:
    """Examine, print each finding with its cure, and return the exit code."""
    case = Case(load_by_hand(args), send=args.send)
    findings: list[tuple[str, Diagnosis]] = []
    for name, finding in examine(case):
        findings.append((name, finding))
        if not args.json:
            print("\n".join(_lines(name, finding)), flush=True)
    worst = max((finding.grade for _, finding in findings), key=lambda grade: _CODES[grade])
    if args.json:
        listed = [_as_json(name, finding) for name, finding in findings]
        print(json.dumps({"result": worst, "findings": listed}, indent=2))
    else:
        print(_summary([finding.grade for _, finding in findings]))
    return _CODES[worst]


def _lines(name: str, finding: Diagnosis) -> list[str]:
    sentence = printable(finding.sentence, _LONGEST)
    lines = [f"{finding.grade:<{_GRADE_WIDTH}}  {name:<{_NAME_WIDTH}}  {sentence}"]
    if finding.cure:
        indent = " " * (_GRADE_WIDTH + _NAME_WIDTH + 4)
        lines.append(f"{indent}-> {printable(finding.cure, _LONGEST)}")
    return lines


def _summary(grades: list[Grade]) -> str:
    problems, warnings = grades.count(Grade.PROBLEM), grades.count(Grade.WARNING)
    if not problems and not warnings:
        return "All is well, and there is nothing to do."
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((problems, "problem"), (warnings, "warning"))
        if count
    ]
    return f"{' and '.join(counts)}; the arrows say what to do."


def _as_json(name: str, finding: Diagnosis) -> dict[str, object]:
    sentence, cure = (printable(text, _LONGEST) for text in (finding.sentence, finding.cure))
    return {"check": name, "level": finding.grade, "sentence": sentence, "cure": cure}
