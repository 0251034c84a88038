"""`mailwatch pause` and `mailwatch resume`: nothing is restarted or told for a while."""

from __future__ import annotations

import argparse

from mailwatch.cli.ask import ask
from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK, UNKNOWN, USAGE, CommandError
from mailwatch.cli.times import parse_duration
from mailwatch.core.facts import fact
from mailwatch.core.say import line, say
from mailwatch.host.clocks import clock_text
from mailwatch.service.commands import LONGEST_PAUSE_S, SHORTEST_PAUSE_S


@command(
    argument(
        "duration",
        nargs="*",
        metavar="FOR",
        help="how long: 30m, 2h or 1d, a bare number is minutes (1 hour if left out, 7d at most)",
    ),
    configured=False,
)
def pause(args: argparse.Namespace) -> int:
    """Pause for maintenance: mailwatch keeps looking, but restarts nothing and opens no incident.

    It tells you when the pause ends. One that has begun already gets a new end.
    """
    wanted = " ".join(args.duration) or "1h"
    try:
        limits = line("pause-span")
        seconds = parse_duration(wanted, SHORTEST_PAUSE_S, LONGEST_PAUSE_S, limits)
    except argparse.ArgumentTypeError as error:
        raise CommandError(
            USAGE, line("usage", command="mailwatch pause", why=str(error))
        ) from None
    until = ask("pause", seconds=seconds).get("paused_until")
    if not isinstance(until, float | int):
        raise CommandError(UNKNOWN, line("control-broke"))
    print(say(fact("pause-begins", until_at=until), clock_text))
    return OK


@command(configured=False)
def resume(_args: argparse.Namespace) -> int:
    """End a pause: mailwatch heals and tells again. Without one this changes nothing."""
    print(line("pause-ends" if ask("resume").get("was_paused") else "pause-was-none"))
    return OK
