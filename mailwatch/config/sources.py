"""Every value that somebody gave, from file, flags and environment, each with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailwatch.config import values
from mailwatch.config.model import Origin, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import (
    BY_DOTTED,
    KEYS,
    SECTIONS,
    SERVICE_SECTION,
    SERVICES_ENVIRONMENT,
    Key,
)
from mailwatch.core.text import printable

FLAGS = Origin(Source.FLAG)


@dataclass(frozen=True, slots=True)
class Given:
    """A raw value for `key`; `subject` is what a sentence calls it."""

    key: Key
    raw: object
    origin: Origin
    subject: str


@dataclass(frozen=True, slots=True)
class GivenServices:
    """A whole list of services: TOML's tables, or the text `NAME:PORT,NAME:PORT`."""

    raw: object
    origin: Origin
    subject: str = "services"


@dataclass(slots=True)
class Gathered:
    """All that was given, the weakest source first."""

    values: list[Given] = field(default_factory=list)
    services: list[GivenServices] = field(default_factory=list)


def from_document(
    document: Mapping[str, object], origin: Origin, gathered: Gathered, problems: Problems
) -> None:
    """Add what the file's `document` says; unknown sections and keys are mistakes."""
    for section, table in document.items():
        if section == "services":
            gathered.services.append(GivenServices(table, origin))
        elif section not in SECTIONS:
            problems.mistake(origin, section, _unknown_section(section))
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
            _from_table(section, table, origin, gathered, problems)


def _from_table(
    section: str,
    table: Mapping[str, object],
    origin: Origin,
    gathered: Gathered,
    problems: Problems,
) -> None:
    for name, raw in table.items():
        dotted = f"{section}.{name}"
        key = SECTIONS[section].get(name)
        if key is None:
            problems.mistake(origin, printable(dotted, 80), unknown(dotted))
        else:
            gathered.values.append(Given(key, raw, origin, dotted))


def from_flags(flags: Mapping[str, str], gathered: Gathered, problems: Problems) -> None:
    """Add what the command line says: dotted key -> TOML value or bare text."""
    for dotted, text in flags.items():
        if dotted == "services":
            listed = values.toml_value(text)
            raw = listed if isinstance(listed, str | list) else text
            gathered.services.append(GivenServices(raw, FLAGS))
        elif key := BY_DOTTED.get(dotted):
            gathered.values.append(Given(key, values.toml_or_plain(key, text), FLAGS, dotted))
        else:
            problems.mistake(FLAGS, printable(dotted, 80), unknown(dotted))


def from_environment(environ: Mapping[str, str], gathered: Gathered) -> None:
    """Add what the environment says; an empty variable counts as not set."""
    for key in KEYS:
        name = key.environment
        text = environ.get(name, "") if name else ""
        if name == "STATE_DIRECTORY":
            text = text.partition(":")[0]  # systemd.exec(5): a list, when the unit names several
        if text:
            origin = Origin(Source.ENVIRONMENT, name)
            gathered.values.append(Given(key, values.plain(key, text), origin, name))
    if text := environ.get(SERVICES_ENVIRONMENT, ""):
        origin = Origin(Source.ENVIRONMENT, SERVICES_ENVIRONMENT)
        gathered.services.append(GivenServices(text, origin, SERVICES_ENVIRONMENT))


def unknown(dotted: str, known: Mapping[str, Key] | None = None) -> str:
    """Return the sentence on a key that nobody knows, with the one that was probably meant."""
    section, _, name = dotted.rpartition(".")
    names = list(known if known is not None else SECTIONS.get(section, {}))
    subject = printable(dotted, 80)
    if near := values.nearest(name, names):
        meant = f"{section}.{near}"
    elif elsewhere := [key.dotted for key in KEYS if name in (key.name, key.environment)]:
        meant = elsewhere[0]
    elif name in SERVICE_SECTION and known is None:
        return f"{subject} is a key of one service; move it below a line [[services]]"
    else:
        return f"{subject} is no key of mailwatch; remove it (mailwatch.toml(5) lists them all)"
    return f"{subject} is no key of mailwatch; did you mean {meant}?"


def _unknown_section(section: str) -> str:
    subject = printable(section, 80)
    if meant := [key for key in KEYS if section in (key.name, key.environment)]:
        return (
            f"{subject} stands outside its section; "
            f"write {meant[0].name} below a line [{meant[0].section}]"
        )
    if near := values.nearest(section, [*SECTIONS, "services"]):
        form = "[[services]]" if near == "services" else f"[{near}]"
        return f"{subject} is no section of mailwatch; did you mean {form}?"
    return f"{subject} is no section of mailwatch; remove it (mailwatch.toml(5) lists them all)"
