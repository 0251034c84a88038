"""`mailwatch run`: the service."""

from __future__ import annotations

import argparse
import os
import sys

from mailwatch.cli.options import add_options, load_from
from mailwatch.host.journal import Journal, adopt_logging, is_journald
from mailwatch.service.daemon import Daemon, real_world


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = "Watch until SIGTERM; SIGHUP reloads."
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Watch until a signal ends it."""
    journal = Journal(sys.stdout, is_journald(sys.stdout, os.environ))
    adopt_logging(journal)
    return Daemon(lambda: load_from(args), journal, real_world(journal)).run()
