"""`mailwatch incident show ID`: one outage from its beginning to its end."""

from __future__ import annotations

import argparse
import json

from mailwatch.cli import incident_export
from mailwatch.cli.exit_codes import OK
from mailwatch.cli.incident_text import as_json, story
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.evidence import keeping
from mailwatch.evidence.show import lines as evidence_lines
from mailwatch.host.clocks import clock_text
from mailwatch.store.views import Views


def add(parser: argparse.ArgumentParser) -> None:
    """Add the two commands below it."""
    parser.description = "Show one outage."
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = verbs.add_parser(
        "show",
        help="show one outage as a timeline",
        description="Show one outage as a timeline, with what was found out about its cause.",
    )
    add_options(show, json=True)
    show.set_defaults(run=run)
    export = verbs.add_parser("export", help="write one archive to attach to a bug report")
    incident_export.add(export)
    for verb in (show, export):
        verb.add_argument("id", metavar="ID", help="its id, the beginning of it, or `last`")


def run(args: argparse.Namespace) -> int:
    """Show one outage."""
    directory = load_without_secrets(args).state_directory
    incident = Views(directory).incident(args.id)
    kept = keeping.load(directory, incident.id)
    if args.json:
        seen = {"evidence": kept["before"] or {}, "evidence_after": kept["after"] or {}}
        print(json.dumps(as_json(incident) | seen, indent=2))
    else:
        print("\n".join([*story(incident), "", *evidence_lines(kept, clock_text)]))
    return OK
