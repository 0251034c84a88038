"""Whom to tell: the section of one channel, and the tables [[notifiers]], become channels."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mailwatch.config.credentials import Secrets
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.problems import Problems, exposed
from mailwatch.config.rows import choice_of, listed, read_row
from mailwatch.config.schema import channel_keys
from mailwatch.config.secrets import find_secret
from mailwatch.config.sources import Gathered, GivenTables
from mailwatch.core.keys import Key, Kind, settled
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.notifiers.catalogue import (
    LOG,
    NOTIFIERS,
    SECTION,
    Channel,
    credential,
    keys_of,
    title_of,
)

Chosen = dict[str, Setting]
"""What is in force of the keys of a section, or of a table, by their dotted names."""


@dataclass(slots=True)
class Channels:
    """What was found: the channels, and the settings of tables."""

    secrets: Secrets
    problems: Problems
    found: list[Channel] = field(default_factory=list)
    settings: Chosen = field(default_factory=dict)


def read_channels(
    gathered: Gathered, chosen: Chosen, secrets: Secrets, problems: Problems
) -> Channels:
    """Return the channels; each secret is entered into `chosen` with its origin.

    Without any channel, messages go to the log.
    """
    channels = Channels(secrets, problems)
    for name in NOTIFIERS.having(SECTION):
        _take(channels, name, name, keys_of(name, name), chosen)
    lists = [_tables(given, gathered, secrets, problems) for given in gathered.lists["notifiers"]]
    for tables in lists[-1:]:  # each is read, for its mistakes, and the strongest counts
        channels.found += tables.found
        channels.settings |= tables.settings
    if not channels.found:
        for name in NOTIFIERS.having(LOG):
            channels.found.append(Channel(name, name, NOTIFIERS.load(name).Settings()))
    if gathered.exposed:
        for given in gathered.values:
            if given.key.kind is Kind.SECRET and given.origin.source is Source.FILE:
                problems.warn(exposed(given.origin.name, f"the {given.key.label}"))
    return channels


def _tables(
    given: GivenTables, gathered: Gathered, secrets: Secrets, problems: Problems
) -> Channels:
    channels = Channels(secrets, problems)
    seen = {name: f"[{name}]" for name in NOTIFIERS.having(SECTION)}
    for at, table in listed(given, "a name and a type", problems).items():
        kind = choice_of(table, "type", NOTIFIERS.names())
        keys = channel_keys(kind, at)

        def misfit(name: str) -> str | None:
            return "" if kind is None and name not in keys else None  # noqa: B023  called at once

        row = read_row(at, table, keys, given.origin, problems, misfit)
        for name in ("name", "type"):
            if name not in table:
                example = keys[name].example or f'"{NOTIFIERS.names()[0]}"'
                sentence = f"{at} has no {name}; add {name} = {example}"
                problems.mistake(given.origin, f"{at}.{name}", sentence)
        if kind is None or "name" not in row:
            continue
        name = str(row["name"])
        first = seen.setdefault(name, at)
        if first != at:
            sentence = f'{at} is "{name}" like {first}; give it another name'
            problems.mistake(given.origin, at, sentence)
        settings = {}
        for key in keys.values():
            origin = given.origin if key.name in row else Origin(Source.DEFAULT)
            settings[key.dotted] = Setting(row.get(key.name, key.default), origin)
            is_secret = gathered.exposed and key.kind is Kind.SECRET
            if is_secret and origin.source is Source.FILE:
                problems.warn(exposed(origin.name, f"the {key.label}"))
        _take(channels, name, kind, keys_of(kind, at), settings)
        channels.settings |= settings
    return channels


def _take(channels: Channels, name: str, kind: str, keys: Sequence[Key], chosen: Chosen) -> None:
    """Add the channel `name` where all is there that it needs.

    Of one that has a section of its own nothing need be said at all.
    """
    problems = channels.problems
    withheld = {
        key.name: find_secret(key, credential(name, key), chosen, channels.secrets, problems)
        for key in keys
        if key.kind is Kind.SECRET
    }
    if not problems.sound(*(f"{key.section}." for key in keys)):
        return
    given = {key.name: value for key in keys if (value := chosen[key.dotted].value) is not None}
    required = [key for key in keys if key.required]
    told = [key for key in required if key.name in given]
    missing = [key for key in required if key.name not in given and not withheld.get(key.name)]
    for key in missing:
        if table := chosen.get(f"{key.section}.type"):
            problems.mistake(table.origin, key.dotted, _table_lacks(key, name, kind))
        elif told:
            origin = chosen[told[0].dotted].origin
            problems.mistake(origin, key.dotted, _section_lacks(key, told[0]))
    if missing or not (told or not required):
        return
    given |= {secret: Secret("") for secret, why in withheld.items() if why}
    settings = settled(NOTIFIERS.load(kind).Settings, NOTIFIERS.keys(kind), given)
    why = next(filter(None, withheld.values()), "")
    channels.found.append(Channel(name, kind, settings, why))
    _warn_of_plain_http(keys, chosen, kind, problems)


def _table_lacks(key: Key, name: str, kind: str) -> str:
    add = f"{key.name} = {key.example or '...'}"
    if key.kind is Kind.SECRET:
        add = f"{key.name} or {key.name}_file, or load the credential {credential(name, key)}"
    return f'{key.section} has no {key.name}, which type = "{kind}" needs; add {add}'


def _section_lacks(key: Key, other: Key) -> str:
    """Return the sentence on a section that has `other`, which is nothing without `key`."""
    if key.kind is Kind.SECRET:
        return f"{other.dotted} is set, but no {key.name} is; add {key.dotted} or {key.dotted}_file"
    noun = key.summary.partition(",")[0]
    return (
        f"{key.dotted} is not set, but a {other.name} is; add the {noun[:1].lower()}{noun[1:]}, "
        f"or remove the {other.name} to have messages in the journal alone"
    )


def _warn_of_plain_http(keys: Sequence[Key], chosen: Chosen, kind: str, problems: Problems) -> None:
    secrets = [key for key in keys if key.kind is Kind.SECRET]
    for key in keys:
        url = chosen[key.dotted].value
        if secrets and key.kind is Kind.URL and isinstance(url, str) and _far_and_plain(url):
            problems.warn(
                f"the {title_of(kind)} {secrets[0].name} travels unencrypted to {printable(url)}; "
                f"use https:// if the server has it"
            )


def _far_and_plain(url: str) -> bool:
    """Whether `url` is http to a host that is surely not on this network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        near = not ipaddress.ip_address(host).is_global
    except ValueError:
        near = "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))
    return parts.scheme == "http" and not near
