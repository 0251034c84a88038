"""`mailwatch config check` and `config show`: is it right, and where does each value come from."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from mailwatch.cli.command import command
from mailwatch.cli.exit_codes import CONFIG, OK
from mailwatch.cli.options import load_by_hand, path_from
from mailwatch.cli.output import note, print_aligned, print_json
from mailwatch.config.model import Config, ConfigError, Setting
from mailwatch.config.render import plain
from mailwatch.core.facts import Fact, fact
from mailwatch.core.say import line
from mailwatch.core.text import printable
from mailwatch.notifiers.catalogue import describe

_WIDEST_VALUE = 44


@command(json=True)
def check(args: argparse.Namespace) -> int:
    """Say that the configuration is good, or name every mistake.

    Exit code: 0 it is good, 78 it has mistakes.
    """
    name = printable(str(path_from(args)))
    try:
        config = load_by_hand(args)
    except ConfigError as error:
        if not args.json:
            raise
        mistakes = [asdict(one) for one in error.mistakes]
        print_json({"file": name, "good": False, "mistakes": mistakes})
        return CONFIG
    if args.json:
        print_json({"file": name, "good": True, "warnings": list(config.warnings)})
        return OK
    for warning in config.warnings:
        note(line("config-warning", text=warning))
    print(line("config-good", file=path_from(args).exists() and name, does=_summary(config)))
    return OK


def _summary(config: Config) -> Fact:
    return fact(
        "config-does",
        count=len(config.services),
        every_s=config.policy.interval_s,
        target=str(config.restart) if config.policy.max_restarts else None,
        channels=tuple(describe(config.channels)),
    )


@command(json=True)
def show(args: argparse.Namespace) -> int:
    """Show each value and where it comes from; secrets are masked."""
    settings = load_by_hand(args).settings
    if args.json:
        print_json({key: _json(setting) for key, setting in settings.items()})
    else:
        rows = [(key, _text(setting), str(setting.origin)) for key, setting in settings.items()]
        print_aligned(rows, widest=_WIDEST_VALUE)
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
