"""`mailwatch reload`: has the service read its configuration anew, and tells the outcome."""

from __future__ import annotations

import argparse

from mailwatch.cli.ask import ask
from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import CONFIG, OK
from mailwatch.cli.output import note
from mailwatch.core.say import line
from mailwatch.service.control import ANSWER_S


@command(configured=False)
def reload(_args: argparse.Namespace) -> int:
    """Have the service read its configuration anew, as `systemctl reload mailwatch` does.

    Where it has mistakes, they are printed and the old one stays in force.
    """
    mistakes = ask("reload", within_s=ANSWER_S).get("mistakes") or []
    if not mistakes:
        print(line("did-reload"))
        return OK
    note(line("did-not-reload", count=len(mistakes)))
    for mistake in mistakes:
        note(mistake)
    return CONFIG
