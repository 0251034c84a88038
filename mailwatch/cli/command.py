"""What a command of the table in `main` is: a function, its options, and its docstring as help."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from mailwatch.cli.options import add_options

Run: TypeAlias = Callable[[argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `run` returns its exit code, and its docstring is the text of `--help`.

    What it says after `Exit code:` stands below the options.
    """

    run: Run
    arguments: tuple[Callable[[argparse.ArgumentParser], object], ...]
    configured: bool
    json: bool

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Have `parser` take what the command takes, and call it."""
        description, label, codes = (inspect.getdoc(self.run) or "").partition("Exit code:")
        parser.description, parser.epilog = description, label + codes
        if self.configured:
            add_options(parser)
        if self.json:
            parser.add_argument("--json", action="store_true", help="print JSON")
        for add in self.arguments:
            add(parser)
        parser.set_defaults(run=self.run)


def argument(*names: str, **options: Any) -> Callable[[argparse.ArgumentParser], object]:
    """Return an argument of a command, as ArgumentParser.add_argument() takes it."""
    return lambda parser: parser.add_argument(*names, **options)


def command(
    *arguments: Callable[[argparse.ArgumentParser], object],
    configured: bool = True,
    json: bool = False,
) -> Callable[[Run], Command]:
    """Make a function a Command with these arguments.

    With `configured` it takes the options that say which configuration it works with, with `json`
    the one that has it print JSON.
    """
    return partial(Command, arguments=arguments, configured=configured, json=json)
