"""`mailwatch config check` and `config show`: is it right, and where does each value come from."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from mailwatch.cli.exit_codes import CONFIG, OK
from mailwatch.cli.options import add_options, load_by_hand, path_from
from mailwatch.config.model import Config, ConfigError, Setting
from mailwatch.config.render import plain
from mailwatch.core.text import duration, join_words, printable
from mailwatch.notifiers.catalogue import describe

_WIDEST_VALUE = 44


def add(parser: argparse.ArgumentParser) -> None:
    """Add the two commands below it."""
    parser.description = "Check the configuration, or show where each value comes from."
    commands = parser.add_subparsers(metavar="check|show", required=True)
    for run, name, summary, more in (
        (check, "check", "name every mistake", "exit 78 if any"),
        (show, "show", "show each value and its origin", "secrets are masked"),
    ):
        one = commands.add_parser(
            name, help=summary, description=f"{summary.capitalize()}; {more}."
        )
        one.set_defaults(run=run)
        add_options(one, json=True)


def check(args: argparse.Namespace) -> int:
    """Say that the configuration is good, or name every mistake and return 78."""
    name = printable(str(path_from(args)))
    try:
        config = load_by_hand(args)
    except ConfigError as error:
        if not args.json:
            raise
        mistakes = [asdict(one) for one in error.mistakes]
        print(json.dumps({"file": name, "good": False, "mistakes": mistakes}, indent=2))
        return CONFIG
    if args.json:
        report = {"file": name, "good": True, "warnings": list(config.warnings)}
        print(json.dumps(report, indent=2))
        return OK
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    subject = name if path_from(args).exists() else "without a file"
    print(f"{subject}: good; {_summary(config)}")
    return OK


def _summary(config: Config) -> str:
    count = len(config.services)
    services = f"{count} service{'s' if count != 1 else ''}"
    interval = duration(config.policy.interval_s)
    restarts = "never restarts anything"
    if config.policy.max_restarts:
        restarts = f"restarts {config.restart}"
    channels = join_words(list(describe(config.channels)))
    return f"watches {services} every {interval}, {restarts}, tells {channels}"


def show(args: argparse.Namespace) -> int:
    """Print each key with its value and its origin."""
    settings = load_by_hand(args).settings
    if args.json:
        print(json.dumps({key: _json(setting) for key, setting in settings.items()}, indent=2))
        return OK
    rows = [(key, _text(setting), str(setting.origin)) for key, setting in settings.items()]
    key_width = max(len(key) for key, _, _ in rows)
    value_width = min(max(len(value) for _, value, _ in rows), _WIDEST_VALUE)
    for key, value, origin in rows:
        print(f"{key:<{key_width}}  {value:<{value_width}}  {origin}")
    return OK


def _json(setting: Setting) -> dict[str, object]:
    value = None if setting.value is None else plain(setting.value)
    origin = {"source": setting.origin.source.value, "name": setting.origin.name}
    return {"value": value, "origin": origin}


def _text(setting: Setting) -> str:
    if setting.value is None:
        return "-"
    value = plain(setting.value)
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return printable(str(value))
