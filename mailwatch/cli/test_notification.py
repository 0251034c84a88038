"""`mailwatch test-notification`: one message on each channel, to see that it arrives."""

from __future__ import annotations

import argparse

from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import CONFIG, CRITICAL, OK
from mailwatch.cli.options import load_by_hand
from mailwatch.cli.output import note
from mailwatch.core.diagnosis import Grade
from mailwatch.doctor import channels
from mailwatch.doctor.case import Case

_CODES = {Grade.OK: OK, Grade.WARNING: CONFIG, Grade.PROBLEM: CRITICAL}


@command()
def send(args: argparse.Namespace) -> int:
    """Send one message on each channel, to see that it arrives on your phone.

    Exit code: 0 sent, 2 not sent, 78 the configuration is bad or names no channel.
    """
    findings = list(channels.examine(Case(load_by_hand(args), send=True)))
    for finding in findings:
        say = print if finding.grade is Grade.OK else note
        say(f"{finding.sentence} {finding.cure}".rstrip())
    grades = {finding.grade for finding in findings}
    return _CODES[max(grades, key=list(Grade).index)]
