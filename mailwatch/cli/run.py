"""`mailwatch run`: the service."""

from __future__ import annotations

import argparse
import os
import sys

from mailwatch.cli.command import command
from mailwatch.cli.options import load_from
from mailwatch.host.journal import Journal, adopt_logging, is_journald
from mailwatch.service.adapters import real_world
from mailwatch.service.daemon import Daemon


@command()
def run(args: argparse.Namespace) -> int:
    """Watch until SIGTERM; SIGHUP reloads."""
    journal = Journal(sys.stdout, is_journald(sys.stdout, os.environ))
    adopt_logging(journal)
    return Daemon(lambda: load_from(args), journal, real_world(journal)).run()
