"""`mailwatch pause` and `mailwatch resume`: nothing is restarted or told for a while."""

from __future__ import annotations

import argparse

from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK, USAGE, CommandError
from mailwatch.cli.options import load_without_secrets
from mailwatch.cli.times import parse_duration
from mailwatch.core.model import Now
from mailwatch.core.text import duration
from mailwatch.host.clocks import clock_text, read_clocks
from mailwatch.store.views import set_pause

SHORTEST_S = 10.0
LONGEST_S = 7 * 86_400.0
"""A pause that is longer is a service to stop: `systemctl disable --now mailwatch`."""

_LIMITS = "a pause lasts from 10 seconds to 7 days"


@command(
    argument(
        "duration",
        nargs="*",
        metavar="FOR",
        help="how long: 30m, 2h or 1d, a bare number is minutes (1 hour if left out, 7d at most)",
    )
)
def pause(args: argparse.Namespace) -> int:
    """Pause for maintenance: mailwatch keeps looking, but restarts nothing and opens no incident.

    It tells you when the pause ends. One that has begun already gets a new end.
    """
    try:
        wanted = " ".join(args.duration) or "1h"
        seconds = parse_duration(wanted, SHORTEST_S, LONGEST_S, _LIMITS)
    except argparse.ArgumentTypeError as error:
        raise CommandError(USAGE, f"mailwatch pause: {error}.") from None
    directory = load_without_secrets(args).state_directory
    now = read_clocks()
    until = Now(now.steady + seconds, now.wall + seconds)
    set_pause(directory, until)
    span, end = duration(seconds), clock_text(until.wall)
    print(f"Paused for {span}, until {end}; `mailwatch resume` ends it sooner.")
    return OK


@command()
def resume(args: argparse.Namespace) -> int:
    """End a pause: mailwatch heals and tells again. Without one this changes nothing."""
    set_pause(load_without_secrets(args).state_directory, None)
    print("mailwatch restarts and tells again.")
    return OK
