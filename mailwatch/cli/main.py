"""Turns the arguments into one call of one command, and what that raises into an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import json
import os
import sys
import traceback
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
from mailwatch.host.limits import limit_of

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

_FOR_MONITORING = frozenset({"check", "status", "doctor"})
"""A monitoring system reads their exit codes, and knows only 0 to 3."""


class Parser(argparse.ArgumentParser):
    """Ends with EX_USAGE, for argparse's own 2 would read as `critical`."""

    usage_code = USAGE
    as_json = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end."""
        self.print_usage(sys.stderr)
        if self.usage_code == UNKNOWN:
            # A monitoring system shows the output, and a program reads it.
            told = {"result": "unknown", "error": message}
            print(json.dumps(told, indent=2) if self.as_json else f"{self.prog}: {message}")
            self.exit(UNKNOWN)
        self.exit(self.usage_code, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with `arguments` (those of the process by default); return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter of a server's that this locale has not is no reason to end (see sys.stderr).
        sys.stdout.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    monitored = not _FOR_MONITORING.isdisjoint(given[:1])
    try:
        try:
            code = _run(given)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as in `mailwatch check | head -1`; see SIGPIPE in signal(7).
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except (RuntimeError, MemoryError) as error:
        return _lacking(error, monitored=monitored)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO) or error.filename is not None:
            if limit_of(error):
                return _lacking(error, monitored=monitored)
            if not monitored:
                raise
            traceback.print_exc()  # and Python's own 1 would read as a warning
            return UNKNOWN
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        from mailwatch.core.say import line

        print(line("output-full", why=error.strerror), file=sys.stderr)
        return UNKNOWN if monitored else CANNOT_WRITE
    return code


def _run(given: Sequence[str]) -> int:
    """Run one command; what it raises, but for what concerns the output, becomes its exit code."""
    parser = _parser(given)
    if given and given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"):
        words = [word for word in given if word in COMMANDS]
        name = words[0] if words else "COMMAND"
        option = given[0].partition("=")[0]
        if name in _FOR_MONITORING:
            parser.usage_code = UNKNOWN
        parser.error(f"options stand behind the command: mailwatch {name} {option} ...")
    args = parser.parse_args(given)
    run = cast("Callable[[argparse.Namespace], int] | None", getattr(args, "run", None))
    if run is None:
        parser.print_help()
        return OK
    from mailwatch.config.model import ConfigError
    from mailwatch.store.files import StoreError

    monitored = args.command in _FOR_MONITORING
    try:
        return run(args)
    except (CommandError, ConfigError, StoreError) as error:
        if monitored:
            return _unknown(error, args.command, as_json=args.json)
        print(error, file=sys.stderr)
        if isinstance(error, CommandError):
            return error.code
        return CONFIG if isinstance(error, ConfigError) else UNAVAILABLE
    except (*_NONSENSE, ChildProcessError, MemoryError) as error:
        if monitored:
            traceback.print_exc()
            from mailwatch.core.say import line

            sentence = line("command-broke", why=type(error).__name__)
            return _unknown(CommandError(UNKNOWN, sentence), args.command, as_json=args.json)
        if args.command not in _READ_STATE:
            raise
        why = f"makes no sense ({type(error).__name__})"
        print(f"What the state directory holds of this {why}: look at another.", file=sys.stderr)
        return UNAVAILABLE


def _unknown(error: Exception, command: str, *, as_json: bool) -> int:
    """Say on the output, where a monitoring system reads, why nothing is known."""
    if as_json:
        from dataclasses import asdict

        told: dict[str, object] = {"result": "unknown", "error": str(error)}
        if mistakes := getattr(error, "mistakes", ()):
            told["mistakes"] = [asdict(one) for one in mistakes]
        print(json.dumps(told, indent=2))
        return UNKNOWN
    first, *others = str(error).splitlines()
    # What follows a bar is taken for a measurement.
    lead = "MAILWATCH UNKNOWN - " if command == "check" else ""
    print("\n".join([f"{lead}{first}", *others]).replace("|", "/"))
    return UNKNOWN


def _lacking(error: Exception, *, monitored: bool) -> int:
    """Say in a sentence what this process or host has run out of; any other `error` is raised."""
    from mailwatch.core.say import line

    if not (limit := limit_of(error)):
        raise error
    print(line("lacking", why=limit), file=sys.stdout if monitored else sys.stderr)
    return UNKNOWN if monitored else UNAVAILABLE


def _parser(given: Sequence[str]) -> Parser:
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
            parser.as_json = one.as_json = "--json" in given
    return parser
