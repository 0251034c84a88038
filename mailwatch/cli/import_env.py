"""`mailwatch import-env`: the .env file of the original becomes a configuration in TOML."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mailwatch.cli.exit_codes import CANNOT_CREATE, OK, UNAVAILABLE
from mailwatch.cli.private_file import AlreadyThere, cannot_write, write_private
from mailwatch.config.dotenv import parse
from mailwatch.config.files import UnreadableFile, read_file
from mailwatch.config.load import load
from mailwatch.config.model import Config, ConfigError, Mistake, Source
from mailwatch.config.render import Plain, revealed
from mailwatch.config.schema import SERVICES_ENVIRONMENT, schema
from mailwatch.core.keys import Kind
from mailwatch.core.text import printable

_LONGEST = 64 * 1024

KEYS = schema().keys
VARIABLES = frozenset(key.environment for key in KEYS if key.environment) | {SERVICES_ENVIRONMENT}
"""Every variable that says something to mailwatch."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "import-env",
        help="turn the .env file of the original into TOML",
        description="Turn the .env file of the original into a configuration in TOML.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the .env file")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to a new FILE of mode 0600"
    )
    parser.add_argument("--force", action="store_true", help="let FILE replace what has its name")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print or write the configuration; raises ConfigError when the .env holds mistakes."""
    source = printable(str(args.file))
    variables = _read(args.file, source)
    for name in variables:
        if name not in VARIABLES:
            _say(f"{source}: {printable(name, 80)} is no variable of mailwatch; left out")
    known = {name: value for name, value in variables.items() if name in VARIABLES}
    try:
        import tomli_w
    except ImportError:
        _say("the package tomli-w is missing; run: apt install python3-tomli-w")
        return UNAVAILABLE
    text = "# Made by mailwatch import-env; mailwatch.toml(5) explains each key.\n\n"
    text += tomli_w.dumps(document(known, source))
    secrets = [key for key in KEYS if key.kind is Kind.SECRET and known.get(key.environment)]
    if args.output is None:
        sys.stdout.write(text)
        if secrets:
            _say(
                f"this holds the {secrets[0].label}: keep it where only root and the group "
                "mailwatch may read it (chmod 0640)"
            )
        return OK
    return _write(args.output, text, args.force)


def document(environ: dict[str, str], source: str) -> dict[str, object]:
    """Return the TOML document that means what the variables `environ` mean.

    Raises ConfigError, its mistakes named as those of the file `source`.
    """
    try:
        config = load(None, {}, environ)
    except ConfigError as error:
        raise ConfigError(
            tuple(Mistake(source, one.key, one.sentence) for one in error.mistakes)
        ) from None
    tables: dict[str, object] = dict(_sections(config))
    if environ.get(SERVICES_ENVIRONMENT):
        tables["services"] = [{"name": one.name, "port": one.port} for one in config.services]
    return tables


def _sections(config: Config) -> dict[str, dict[str, Plain]]:
    sections: dict[str, dict[str, Plain]] = {}
    for key in KEYS:
        setting = config.settings[key.dotted]
        if setting.origin.source is Source.ENVIRONMENT and setting.value is not None:
            sections.setdefault(key.section, {})[key.name] = revealed(setting.value)
    return sections


def _read(path: Path, source: str) -> dict[str, str]:
    try:
        content, _ = read_file(path, _LONGEST)
        text = content.decode("utf-8-sig")
    except UnreadableFile as reason:
        raise ConfigError((Mistake(source, "", f"the file {reason}"),)) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = f"the file is not UTF-8 in line {line}; save it as UTF-8"
        raise ConfigError((Mistake(source, "", sentence),)) from None
    variables, sentences = parse(text)
    if sentences:
        raise ConfigError(tuple(Mistake(source, "", sentence) for sentence in sentences))
    return variables


def _write(path: Path, text: str, force: bool) -> int:
    shown = printable(str(path))
    try:
        mode = write_private(path, text, replace=force)
    except OSError as error:
        otherwise = ", or add --force" if isinstance(error, AlreadyThere) else ""
        _say(f"{cannot_write(path, error)}{otherwise}")
        return CANNOT_CREATE
    _say(f"{shown} written, mode {mode:04o}")
    if mode & 0o040 == 0:
        _say(
            f"the service reads it as group mailwatch: chgrp mailwatch {shown} && "
            f"chmod 0640 {shown}"
        )
    return OK


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
