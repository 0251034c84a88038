"""`mailwatch resume`: ends a pause."""

from __future__ import annotations

import argparse

from mailwatch.cli.exit_codes import OK
from mailwatch.cli.options import add_options, load_without_secrets
from mailwatch.store.views import set_pause


def add(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.description = "End a pause: mailwatch heals and tells again."
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """End the pause; without one this changes nothing."""
    set_pause(load_without_secrets(args).state_directory, None)
    print("mailwatch restarts and tells again.")
    return OK
