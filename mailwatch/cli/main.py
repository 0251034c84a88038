"""Turns the arguments into one call of one command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, cast

from mailwatch import __version__
from mailwatch.cli.exit_codes import CONFIG, OK, UNKNOWN


class Command(Protocol):
    """What every module of COMMANDS offers."""

    def add(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the command's parser, with the function that runs it as its default `run`."""
        ...


COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "watch until stopped; the service does this"),
    "check": ("check", "ask every service once, and show how it went"),
    "config": ("config", "check the configuration, or show where each value comes from"),
    "import-env": ("import_env", "turn the .env file of the original into TOML"),
    "test-notification": ("test_notification", "send a message to see that it arrives"),
    "demo": ("demo", "watch mailwatch detect, restart and recover a server of its own"),
}
"""Each command, the module of this package that knows it, and what it does.

A module is imported only when its command is called: `check` and `run` start in a fraction of
the time that all of them take.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (those of the process by default); return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given)
    args = parser.parse_args(given)
    run = cast("Callable[[argparse.Namespace], int] | None", getattr(args, "run", None))
    if run is None:
        parser.print_help()
        return OK
    try:
        return _guarded(run, args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone, as in `mailwatch check | head -1`; see SIGPIPE in signal(7).
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141


def _guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    from mailwatch.config.model import ConfigError

    try:
        code = run(args)
        sys.stdout.flush()
    except ConfigError as error:
        print(error, file=sys.stderr)
        # For a monitoring system, 78 would be no answer at all.
        return UNKNOWN if args.command == "check" else CONFIG
    return code


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mailwatch",
        description="Watches a mail server, restarts its container when that helps, and tells you.",
        epilog="See mailwatch(1) and mailwatch.toml(5).",
    )
    parser.add_argument("--version", action="version", version=f"mailwatch {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    wanted = next((word for word in given if not word.startswith("-")), "")
    for name, (module, help_text) in COMMANDS.items():
        if name == wanted:
            command = importlib.import_module(f"mailwatch.cli.{module}")
            cast("Command", command).add(subparsers)
        else:
            subparsers.add_parser(name, help=help_text)
    return parser
