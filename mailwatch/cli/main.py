"""Turns the arguments into one call of one command, and what that raises into an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, cast

from mailwatch import __version__
from mailwatch.cli.exit_codes import (
    BROKEN_PIPE,
    CANNOT_WRITE,
    CONFIG,
    INTERRUPTED,
    OK,
    UNAVAILABLE,
    UNKNOWN,
    USAGE,
    CommandError,
)

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run.run", "watch until stopped; the service does this"),
    "check": ("check.check", "ask every service once, and show how it went"),
    "status": ("status.status", "show where things stand"),
    "incidents": ("incidents.incidents", "list the outages so far"),
    "incident": ("", "show one outage from its beginning to its end"),
    "incident show": ("incidents.show", "show one outage as a timeline"),
    "incident export": ("incident_export.export", "write one archive to attach to a bug report"),
    "report": ("report.report", "write availability, latency and incidents as one HTML file"),
    "pause": ("pause.pause", "restart and tell nothing for a while"),
    "resume": ("pause.resume", "end a pause"),
    "reload": ("reload.reload", "read the configuration anew"),
    "config": ("", "check the configuration, or show where each value comes from"),
    "config check": ("config.check", "name every mistake"),
    "config show": ("config.show", "show each value and its origin"),
    "import-env": ("import_env.import_env", "turn the .env file of the original into TOML"),
    "test-notification": ("test_notification.send", "send a message to see that it arrives"),
    "doctor": ("doctor.doctor", "find what will fail before it fails"),
    "demo": ("demo.demo", "watch mailwatch detect, restart and recover a server of its own"),
}
"""Each command, the module of this package and the Command in it, and what it does.

One without a module has others below it. A module is imported only when its command is called:
`check` and `run` start in a fraction of the time that all of them take.
"""

_READ_STATE = frozenset({"incidents", "incident", "report"})
"""They read what the user of the service has written, which may be damaged or hostile."""

_NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)

_FOR_MONITORING = frozenset({"check", "status"})
"""A monitoring system reads their exit codes, and knows only 0 to 3."""


class Parser(argparse.ArgumentParser):
    """Ends with EX_USAGE, for argparse's own 2 would read as `critical`."""

    usage_code = USAGE

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        self.print_usage(sys.stderr)
        self.exit(self.usage_code, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (those of the process by default); return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter of a server's that this locale has not is no reason to end (see sys.stderr).
        sys.stdout.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(given)
    args = parser.parse_args(given)
    run = cast("Callable[[argparse.Namespace], int] | None", getattr(args, "run", None))
    if run is None:
        parser.print_help()
        return OK
    from mailwatch.config.model import ConfigError
    from mailwatch.core.say import line
    from mailwatch.store.files import StoreError

    try:
        code = run(args)
        sys.stdout.flush()
    except (CommandError, ConfigError, StoreError) as error:
        print(error, file=sys.stderr)
        if args.command in _FOR_MONITORING:
            return UNKNOWN
        if isinstance(error, CommandError):
            return error.code
        return CONFIG if isinstance(error, ConfigError) else UNAVAILABLE
    except (*_NONSENSE, ChildProcessError, MemoryError) as error:
        if args.command not in _READ_STATE:
            raise
        why = f"makes no sense ({type(error).__name__})"
        print(f"What the state directory holds of this {why}: look at another.", file=sys.stderr)
        return UNAVAILABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `mailwatch check | head -1`; see SIGPIPE in signal(7).
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(line("output-full", why=error.strerror), file=sys.stderr)
        return UNKNOWN if args.command in _FOR_MONITORING else CANNOT_WRITE
    return code


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="mailwatch",
        description="Watches a mail server, restarts it when that helps, and tells you.",
        epilog="See mailwatch(1) and mailwatch.toml(5).",
    )
    parser.add_argument("--version", action="version", version=f"mailwatch {__version__}")
    groups = {"": parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")}
    wanted = next((word for word in given if not word.startswith("-")), "")
    for name, (place, summary) in COMMANDS.items():
        group, _, verb = name.rpartition(" ")
        one = groups[group].add_parser(verb, help=summary, description=f"{summary.capitalize()}.")
        if not place:
            groups[name] = one.add_subparsers(title="commands", metavar="COMMAND", required=True)
        elif name.split()[0] == wanted:
            module, _, command = place.partition(".")
            getattr(importlib.import_module(f"mailwatch.cli.{module}"), command).add_to(one)
        if wanted in _FOR_MONITORING:
            parser.usage_code = one.usage_code = UNKNOWN
    return parser
