"""Every value that somebody gave, from file, flags and environment, each with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailwatch.config import values
from mailwatch.config.model import Origin, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import SERVICES_ENVIRONMENT, Schema, every_service_key
from mailwatch.config.schema import schema as schema_of
from mailwatch.core.keys import Key
from mailwatch.core.text import printable
from mailwatch.restarters.catalogue import RESTARTERS, USUAL

FLAGS = Origin(Source.FLAG)


@dataclass(frozen=True, slots=True)
class Given:
    """A raw value for `key`; `subject` is what a sentence calls it."""

    key: Key
    raw: object
    origin: Origin
    subject: str


@dataclass(frozen=True, slots=True)
class GivenTables:
    """A whole list of tables, or the text `NAME:PORT,NAME:PORT`; `subject` is what it is called."""

    raw: object
    origin: Origin
    subject: str


@dataclass(slots=True)
class Gathered:
    """All that was given, the weakest source first."""

    schema: Schema
    exposed: bool = False
    """Whether everyone on this host may read the file."""
    values: list[Given] = field(default_factory=list)
    lists: dict[str, list[GivenTables]] = field(
        default_factory=lambda: {"services": [], "notifiers": []}
    )


def restarter_of(document: Mapping[str, object], flags: Mapping[str, str]) -> str:
    """Return the kind of restarter that is asked for, empty for one that nobody knows.

    What other keys mean is not known then, so that nothing is said of them.
    """
    section = document.get("restart")
    said = section.get("kind", USUAL) if isinstance(section, dict) else USUAL
    if "restart.kind" in flags:
        said = values.toml_value(flags["restart.kind"])
        said = said if isinstance(said, str) else flags["restart.kind"]
    return said if isinstance(said, str) and said in RESTARTERS.names() else ""


def from_document(
    document: Mapping[str, object], origin: Origin, gathered: Gathered, problems: Problems
) -> None:
    """Add what the file's `document` says; unknown sections and keys are mistakes."""
    for section, table in document.items():
        tables = gathered.lists.get(section)
        if tables is not None:
            tables.append(GivenTables(table, origin, section))
        elif section not in gathered.schema.sections:
            problems.mistake(origin, section, _unknown_section(section, gathered.schema))
        elif isinstance(table, list):
            sentence = f"[[{section}]] stands in double brackets; write [{section}], once"
            problems.mistake(origin, section, sentence)
        elif not isinstance(table, dict):
            shown = values.show(table)
            sentence = f"{section} is {shown}; write a line [{section}] and its keys below"
            problems.mistake(origin, section, sentence)
        else:
            for name, raw in table.items():
                if key := _find(f"{section}.{name}", origin, gathered, problems):
                    gathered.values.append(Given(key, raw, origin, key.dotted))


def from_flags(flags: Mapping[str, str], gathered: Gathered, problems: Problems) -> None:
    """Add what the command line says: dotted key -> TOML value or bare text."""
    for dotted, text in flags.items():
        tables = gathered.lists.get(dotted)
        if tables is not None:
            listed = values.toml_value(text)
            table = listed if isinstance(listed, str | list) else text
            tables.append(GivenTables(table, FLAGS, dotted))
        else:
            if key := _find(dotted, FLAGS, gathered, problems):
                raw = values.toml_or_plain(key, text)
                gathered.values.append(Given(key, raw, FLAGS, dotted))


def _find(dotted: str, origin: Origin, gathered: Gathered, problems: Problems) -> Key | None:
    """Return the key `dotted`, or say why there is none of that name."""
    if key := gathered.schema.by_dotted.get(dotted):
        return key
    section, _, name = dotted.rpartition(".")
    kinds = RESTARTERS.knowing(name)
    if section != "restart" or not kinds:
        problems.mistake(origin, printable(dotted, 80), unknown(dotted, schema=gathered.schema))
    elif gathered.schema.restarter:
        sentence = (
            f"{dotted} is set, but only kind = {values.any_of(kinds)} knows it, not "
            f'"{gathered.schema.restarter}"; remove it'
        )
        problems.mistake(origin, dotted, sentence)
    return None


def from_environment(environ: Mapping[str, str], gathered: Gathered) -> None:
    """Add what the environment says; an empty variable counts as not set."""
    for key in gathered.schema.keys:
        name = key.environment
        text = environ.get(name, "") if name else ""
        if name == "STATE_DIRECTORY":
            text = text.partition(":")[0]  # systemd.exec(5): a list, when the unit names several
        if text:
            origin = Origin(Source.ENVIRONMENT, name)
            gathered.values.append(Given(key, values.plain(key, text), origin, name))
    if text := environ.get(SERVICES_ENVIRONMENT, ""):
        origin = Origin(Source.ENVIRONMENT, SERVICES_ENVIRONMENT)
        gathered.lists["services"].append(GivenTables(text, origin, SERVICES_ENVIRONMENT))


def unknown(
    dotted: str, known: Mapping[str, Key] | None = None, schema: Schema | None = None
) -> str:
    """Return the sentence on a key that nobody knows, with the one that was probably meant.

    `known` are the keys of the table that it stands in, where it is one of a list.
    """
    schema = schema or schema_of()
    section, _, name = dotted.rpartition(".")
    subject = printable(dotted, 80)
    if near := values.nearest(name, list(known or schema.sections.get(section, {}))):
        meant = f"{section}.{near}"
    elif elsewhere := [key.dotted for key in schema.keys if name in (key.name, key.environment)]:
        meant = elsewhere[0]
    elif known is None and name in every_service_key():
        return f"{subject} is a key of one service; move it below a line [[services]]"
    else:
        return f"{subject} is no key of mailwatch; remove it (mailwatch.toml(5) lists them all)"
    return f"{subject} is no key of mailwatch; did you mean {meant}?"


def _unknown_section(section: str, schema: Schema) -> str:
    subject = printable(section, 80)
    if meant := [key for key in schema.keys if section in (key.name, key.environment)]:
        place = f"write {meant[0].name} below a line [{meant[0].section}]"
        return f"{subject} stands outside its section; {place}"
    lists = ("services", "notifiers")
    if near := values.nearest(section, [*schema.sections, *lists]):
        form = f"[[{near}]]" if near in lists else f"[{near}]"
        return f"{subject} is no section of mailwatch; did you mean {form}?"
    return f"{subject} is no section of mailwatch; remove it (mailwatch.toml(5) lists them all)"
