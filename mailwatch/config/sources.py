"""Every value that somebody gave, from file, flags and environment, each with its origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from mailwatch.config import values
from mailwatch.config.model import Origin, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import SERVICES_ENVIRONMENT, Schema, every_service_key
from mailwatch.config.schema import schema as schema_of
from mailwatch.core.keys import Key
from mailwatch.core.text import join_words, printable
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
    services: list[GivenTables] = field(default_factory=list)
    notifiers: list[GivenTables] = field(default_factory=list)

    def lists(self, subject: str) -> list[GivenTables] | None:
        """Return where the lists of tables `subject` are gathered, None where it is no list."""
        return {"services": self.services, "notifiers": self.notifiers}.get(subject)


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
        tables = gathered.lists(section)
        if tables is not None:
            tables.append(GivenTables(table, origin, section))
        elif section not in gathered.schema.sections:
            problems.mistake(origin, section, _unknown_section(section, gathered.schema))
        elif isinstance(table, list):
            problems.mistake(
                origin, section, f"[[{section}]] stands in double brackets; write [{section}], once"
            )
        elif not isinstance(table, dict):
            problems.mistake(
                origin,
                section,
                f"{section} is {values.show(table)}; write a line [{section}] and its keys below",
            )
        else:
            for name, raw in table.items():
                _add(f"{section}.{name}", partial(_as_it_is, raw), origin, gathered, problems)


def from_flags(flags: Mapping[str, str], gathered: Gathered, problems: Problems) -> None:
    """Add what the command line says: dotted key -> TOML value or bare text."""
    for dotted, text in flags.items():
        tables = gathered.lists(dotted)
        if tables is not None:
            listed = values.toml_value(text)
            raw = listed if isinstance(listed, str | list) else text
            tables.append(GivenTables(raw, FLAGS, dotted))
        else:
            read = partial(values.toml_or_plain, text=text)
            _add(dotted, read, FLAGS, gathered, problems)


def _as_it_is(raw: object, _key: Key) -> object:
    return raw


def _add(
    dotted: str,
    raw: Callable[[Key], object],
    origin: Origin,
    gathered: Gathered,
    problems: Problems,
) -> None:
    """Add what was given for the key `dotted`, or say why there is none of that name."""
    key = gathered.schema.by_dotted.get(dotted)
    if key is not None:
        gathered.values.append(Given(key, raw(key), origin, dotted))
        return
    section, _, name = dotted.rpartition(".")
    kinds = [kind for kind in RESTARTERS.names() if _is_of(name, kind)]
    if section != "restart" or not kinds:
        problems.mistake(origin, printable(dotted, 80), unknown(dotted, schema=gathered.schema))
    elif gathered.schema.restarter:
        words = join_words([f'"{kind}"' for kind in kinds], "or")
        problems.mistake(
            origin,
            dotted,
            f"{dotted} is set, but only kind = {words} knows it, not "
            f'"{gathered.schema.restarter}"; remove it',
        )


def _is_of(name: str, kind: str) -> bool:
    return any(key.name == name for key in RESTARTERS.keys(kind))


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
        gathered.services.append(GivenTables(text, origin, SERVICES_ENVIRONMENT))


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
        return (
            f"{subject} stands outside its section; "
            f"write {meant[0].name} below a line [{meant[0].section}]"
        )
    lists = ("services", "notifiers")
    if near := values.nearest(section, [*schema.sections, *lists]):
        form = f"[[{near}]]" if near in lists else f"[{near}]"
        return f"{subject} is no section of mailwatch; did you mean {form}?"
    return f"{subject} is no section of mailwatch; remove it (mailwatch.toml(5) lists them all)"
