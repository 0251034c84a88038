"""`mailwatch import-env`: the .env file of the original becomes a configuration in TOML."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mailwatch.cli.command import argument, command
from mailwatch.cli.exit_codes import OK, UNAVAILABLE, CommandError
from mailwatch.cli.output import note, write_file
from mailwatch.config.dotenv import parse
from mailwatch.config.files import UnreadableFile, decoded, read_file
from mailwatch.config.load import load
from mailwatch.config.model import ConfigError, Mistake, Source
from mailwatch.config.render import plain
from mailwatch.config.schema import SERVICES_ENVIRONMENT, section_keys
from mailwatch.core.keys import Kind
from mailwatch.core.say import line
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable

_LONGEST = 64 * 1024

KEYS = section_keys()
VARIABLES = frozenset(key.environment for key in KEYS if key.environment) | {SERVICES_ENVIRONMENT}
"""Every variable that says something to mailwatch."""


@command(
    argument("file", type=Path, metavar="FILE", help="the .env file"),
    argument("-o", "--output", type=Path, metavar="FILE", help="write to a new FILE of mode 0600"),
    argument("--force", action="store_true", help="let FILE replace what has its name"),
    configured=False,
)
def import_env(args: argparse.Namespace) -> int:
    """Turn the .env file of the original into a configuration in TOML."""
    source = printable(str(args.file))
    variables = _read(args.file, source)
    for name in variables:
        if name not in VARIABLES:
            note(line("variable-unknown", file=source, variable=name))
    known = {name: value for name, value in variables.items() if name in VARIABLES}
    try:
        import tomli_w
    except ImportError:
        raise CommandError(UNAVAILABLE, line("tomli-missing")) from None
    text = "# Made by mailwatch import-env; mailwatch.toml(5) explains each key.\n\n"
    made = document(known, source)
    services = made.pop("services", [])
    text += tomli_w.dumps(made)
    for service in services if isinstance(services, list) else []:
        text += f"\n[[services]]\n{tomli_w.dumps(service)}"
    if args.output is None:
        sys.stdout.write(text)
        for key in KEYS:
            if key.kind is Kind.SECRET and known.get(key.environment):
                note(line("variable-secret", secret=key.label))
        return OK
    shown = printable(str(args.output))
    mode = write_file(args.output, text, replace=args.force, forcible=True)
    note(line("config-written", file=shown, mode=f"{mode:04o}"))
    if mode & 0o040 == 0:
        note(line("config-for-the-group", file=shown))
    return OK


def document(environ: dict[str, str], source: str) -> dict[str, object]:
    """Return the TOML document that means what the variables `environ` mean.

    Raises ConfigError, its mistakes named as those of the file `source`.
    """
    try:
        config = load(None, {}, environ)
    except ConfigError as error:
        raise ConfigError(tuple(replace(one, source=source) for one in error.mistakes)) from None
    sections: dict[str, dict[str, object]] = {}
    for key in KEYS:
        setting = config.settings[key.dotted]
        value = setting.value
        if setting.origin.source is Source.ENVIRONMENT and value is not None:
            shown = value.reveal() if isinstance(value, Secret) else plain(value)
            sections.setdefault(key.section, {})[key.name] = shown
    if not environ.get(SERVICES_ENVIRONMENT):
        return {**sections}
    services = [{"name": one.name, "port": one.port} for one in config.services]
    return {**sections, "services": services}


def _read(path: Path, source: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    try:
        variables, sentences = parse(decoded(read_file(path, _LONGEST)[0]))
    except UnreadableFile as reason:
        sentences = [f"the file {reason}"]
    if sentences:
        raise ConfigError(tuple(Mistake(source, "", sentence) for sentence in sentences))
    return variables
