"""`mailwatch incidents`: the outages so far, the newest first."""

from __future__ import annotations

import argparse
import json

from mailwatch.cli.exit_codes import OK
from mailwatch.cli.incident_text import as_json
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.cli.table import aligned
from mailwatch.core.state import Incident
from mailwatch.core.text import duration, join_words, printable
from mailwatch.host.clocks import clock_text
from mailwatch.store.views import Views


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = "List the outages so far, the newest first."
    add_options(parser, json=True)
    parser.add_argument(
        "-n", "--limit", type=_count, default=20, metavar="N", help="at most N (20 if left out)"
    )


def run(args: argparse.Namespace) -> int:
    """List them."""
    found = Views(load_without_secrets(args).state_directory).incidents(args.limit)
    if args.json:
        print(json.dumps([as_json(incident) for incident in found], indent=2))
    elif found:
        rows = [("INCIDENT", "SINCE", "LASTED", "RESTARTS", "END", "SERVICES")]
        print("\n".join(aligned([*rows, *map(_row, found)])))
    else:
        print("There has been no incident yet.")
    return OK


def _row(incident: Incident) -> tuple[str, ...]:
    services = join_words([failure.service for failure in incident.first_failures])
    since, closed = incident.since.wall, incident.closed
    lasted = duration(max(0.0, closed.wall - since)) if closed else "-"
    called = ", a person was called" if incident.escalated else ""
    end = ("recovered" if closed else "open") + called
    restarts = str(len(incident.attempts))
    return (incident.id, clock_text(since), lasted, restarts, end, printable(services, 60))


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("give a whole number, such as 20")
    return min(int(text), 1_000_000)
