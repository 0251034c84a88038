"""`mailwatch doctor`: what will fail before it fails, and what to do about it."""

from __future__ import annotations

import argparse

from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import CRITICAL, OK, WARNING
from mailwatch.cli.options import load_by_hand
from mailwatch.cli.output import print_json
from mailwatch.core.diagnosis import Grade
from mailwatch.core.facts import NOTHING, fact
from mailwatch.core.say import line
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.doctor.checks import examine

_CODES = {Grade.OK: OK, Grade.WARNING: WARNING, Grade.PROBLEM: CRITICAL}
_NAME_WIDTH = 13
"""Of the longest name of a check, `configuration`; a channel may be called anything."""
_GRADE_WIDTH = max(map(len, Grade))
_INDENT = " " * (_GRADE_WIDTH + _NAME_WIDTH + 4)
_LONGEST = 600


@command(argument("--send", action="store_true", help="send a test message, too"), json=True)
def doctor(args: argparse.Namespace) -> int:
    """Examine this host for what will fail; nothing is restarted or changed. Run it as root.

    It looks at services, ports, what is restarted, channels, the unit, the state directory and the
    clock, and says what to do about each fault.

    Exit code: 0 all well, 1 warnings, 2 problems, 78 the configuration has mistakes.
    """
    case = Case(load_by_hand(args), send=args.send)
    grades: list[Grade] = []
    listed = []
    for name, finding in examine(case):
        sentence, cure = (printable(text, _LONGEST) for text in (finding.sentence, finding.cure))
        grades.append(finding.grade)
        listed.append({"check": name, "level": finding.grade, "sentence": sentence, "cure": cure})
        if not args.json:
            print(f"{finding.grade:<{_GRADE_WIDTH}}  {name:<{_NAME_WIDTH}}  {sentence}", flush=True)
            if cure:
                print(f"{_INDENT}-> {cure}", flush=True)
    worst = max(grades, key=lambda grade: _CODES[grade])
    if args.json:
        print_json({"result": worst, "findings": listed})
    else:
        print(_summary(grades))
    return _CODES[worst]


def _summary(grades: list[Grade]) -> str:
    problems, warnings = (grades.count(one) for one in (Grade.PROBLEM, Grade.WARNING))
    if not problems and not warnings:
        return line("doctor-well")
    return line(
        "doctor-counts",
        problems=fact("problems", count=problems) if problems else NOTHING,
        warnings=fact("warnings", count=warnings) if warnings else NOTHING,
    )
