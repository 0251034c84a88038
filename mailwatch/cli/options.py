"""The options that say which configuration a command works with, and that configuration."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mailwatch.cli.credentials import UnitCredentials
from mailwatch.config.load import load
from mailwatch.config.model import Config
from mailwatch.config.schema import DEFAULT_PATH, section_keys
from mailwatch.config.secrets import OwnCredentials, Secrets
from mailwatch.core.keys import Key, Kind
from mailwatch.core.say import line
from mailwatch.host.identity import become, owner_of


def _flagged() -> list[Key]:
    """Return the keys that have a flag of their own, from the time of the original."""
    return [key for key in section_keys() if key.flag]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that needs the configuration."""
    group = parser.add_argument_group(
        "configuration", "The environment wins over these, and these win over the file."
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help=f"read FILE in place of {DEFAULT_PATH}"
    )
    for key in _flagged():
        group.add_argument(key.flag, metavar=metavar(key), dest=key.dotted, help=_help(key))
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="set any key, such as watch.interval_s=60 or services=SMTP:25,IMAPS:993; repeatable",
    )


def metavar(key: Key) -> str:
    """Return what the value of a flag is called."""
    if key.kind in (Kind.URL, Kind.PATH):
        return key.kind.name
    return key.name.upper() if key.kind is Kind.SECRET else "NAME"


def _help(key: Key) -> str:
    text = f"{key.summary[:1].lower()}{key.summary[1:]}"
    if key.kind is Kind.SECRET:
        text += f"; ps shows it, so prefer {key.dotted}_file"
    return text.replace("`", "").replace("%", "%%")


def load_from(args: argparse.Namespace) -> Config:
    """Return the configuration for the service, with every secret; raises ConfigError."""
    return _load(args, Secrets(OwnCredentials(os.environ)))


def load_by_hand(args: argparse.Namespace, *, token: bool = True) -> Config:
    """Return the configuration for a person's command; raises ConfigError.

    A credential that only the service can read is left to it, which the warnings tell. Without
    `token` no secret of a channel is read, for a command that sends no message.
    """
    return _load(args, Secrets(UnitCredentials(os.environ), token=token))


def load_without_secrets(args: argparse.Namespace) -> Config:
    """Return the configuration without secrets, for who may read the state; raises ConfigError."""
    return _load(args, Secrets(OwnCredentials({}), token=False, passwords=False))


def state_of(args: argparse.Namespace) -> Path:
    """Return the state directory, and be its owner from now on where root runs this.

    The user of the service writes what is in there, and root opens nothing of it.
    """
    directory = load_without_secrets(args).state_directory
    become(owner_of(directory))
    return directory


def _load(args: argparse.Namespace, secrets: Secrets) -> Config:
    """Read it; `--set` wins over a shorthand."""
    shorthands = {key.dotted: getattr(args, key.dotted) for key in _flagged()}
    flags = {key: value for key, value in shorthands.items() if value is not None} | dict(args.set)
    required = args.config is not None
    return load(path_from(args), flags, os.environ, required=required, secrets=secrets)


def path_from(args: argparse.Namespace) -> Path:
    """Return the file that `args` names, or the one that is read where they name none."""
    given: Path | None = args.config
    return DEFAULT_PATH if given is None else given


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        # The text is not repeated: it may be a token that lost its key.
        raise argparse.ArgumentTypeError(line("assignment"))
    return key.strip(), value.strip()
