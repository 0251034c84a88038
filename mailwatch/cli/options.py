"""The options that say which configuration a command works with, and that configuration."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from mailwatch.config.load import load
from mailwatch.config.model import Config
from mailwatch.config.schema import DEFAULT_PATH
from mailwatch.config.token import CREDENTIAL

CREDENTIAL_STORES = (Path("/etc/credstore"), Path("/run/credstore"), Path("/usr/lib/credstore"))

_SHORTHANDS = {
    "gotify_url": "gotify.url",
    "gotify_token": "gotify.token",
    "container": "restart.container",
    "docker_socket": "restart.socket",
}
"""The flags of the original, and the keys that they set."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that needs the configuration."""
    group = parser.add_argument_group(
        "configuration", "The environment wins over these, and these win over the file."
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help=f"read FILE in place of {DEFAULT_PATH}"
    )
    group.add_argument("--gotify-url", metavar="URL", help="address of the Gotify server")
    group.add_argument(
        "--gotify-token",
        metavar="TOKEN",
        help="token of the Gotify application; ps shows it, so prefer gotify.token_file",
    )
    group.add_argument("--container", metavar="NAME", help="container to restart")
    group.add_argument("--docker-socket", metavar="PATH", help="socket of the Docker engine")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="set any key, such as watch.interval_s=60 or services=SMTP:25,IMAPS:993; repeatable",
    )


def load_from(args: argparse.Namespace) -> Config:
    """Return the configuration that `args` and the environment ask for; raises ConfigError."""
    given: Path | None = args.config
    environ = with_credentials(os.environ)
    return load(path_from(args), flags_from(args), environ, required=given is not None)


def with_credentials(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return `environ`, with the directory from which the unit would get the token.

    Where systemd has started us that is set already; by hand, root finds what the service would
    find (systemd.exec(5), LoadCredential= without a path).
    """
    if environ.get("CREDENTIALS_DIRECTORY"):
        return environ
    for directory in CREDENTIAL_STORES:
        if os.access(directory / CREDENTIAL, os.R_OK):
            return {**environ, "CREDENTIALS_DIRECTORY": str(directory)}
    return environ


def path_from(args: argparse.Namespace) -> Path:
    """Return the file that `args` names, or the one that is read where they name none."""
    given: Path | None = args.config
    return DEFAULT_PATH if given is None else given


def flags_from(args: argparse.Namespace) -> dict[str, str]:
    """Return what the flags of `args` set, by dotted key; `--set` wins over a shorthand."""
    flags = {
        dotted: value
        for name, dotted in _SHORTHANDS.items()
        if (value := getattr(args, name)) is not None
    }
    return flags | dict(args.set)


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        # The text is not repeated: it may be a token that lost its key.
        raise argparse.ArgumentTypeError("write KEY=VALUE, such as watch.interval_s=60")
    return key.strip(), value.strip()
