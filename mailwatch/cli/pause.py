"""`mailwatch pause` and `mailwatch resume`: nothing is restarted or told for a while."""

from __future__ import annotations

import argparse
import sys
import time

from mailwatch.cli.exit_codes import OK, USAGE
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.cli.times import parse_duration
from mailwatch.core.model import Now
from mailwatch.core.text import duration
from mailwatch.host.clocks import clock_text
from mailwatch.store.views import set_pause

DEFAULT_S = 3600.0
LONGEST_S = 7 * 86_400.0
"""A pause that is longer is a service to stop: `systemctl disable --now mailwatch`."""

SHORTEST_S = 10.0


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = (
        "For maintenance: mailwatch keeps looking, but restarts nothing and opens no "
        "incident until the pause ends, which it tells you."
    )
    add_options(parser)
    parser.add_argument(
        "duration",
        nargs="*",
        metavar="FOR",
        help="how long: 30m, 2h or 1d, a bare number is minutes (1 hour if left out, 7d at most)",
    )


def run(args: argparse.Namespace) -> int:
    """Begin a pause, or move the end of the one that there is."""
    seconds, wrong = DEFAULT_S, ""
    try:
        if args.duration:
            seconds = parse_duration(" ".join(args.duration))
    except ValueError as error:
        wrong = str(error)
    if not SHORTEST_S <= seconds <= LONGEST_S:
        wrong = "a pause lasts from 10 seconds to 7 days"
    if wrong:
        print(f"mailwatch pause: {wrong}.", file=sys.stderr)
        return USAGE
    directory = load_without_secrets(args).state_directory
    until = Now(time.monotonic() + seconds, time.time() + seconds)
    set_pause(directory, until)
    span, end = duration(seconds), clock_text(until.wall)
    print(f"Paused for {span}, until {end}; `mailwatch resume` ends it sooner.")
    return OK
