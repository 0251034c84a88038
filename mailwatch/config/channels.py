"""Whom to tell: the section of one channel, and the tables [[notifiers]], become channels."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

from mailwatch.config.schema import CHANNEL
from mailwatch.config.secrets import Secrets, find_secret
from mailwatch.config.sources import Gathered
from mailwatch.config.tables import Table, listed
from mailwatch.core.keys import Key, Kind
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.notifiers.catalogue import LOG, NOTIFIERS, SECTION, Channel, credential, title_of


def read_channels(gathered: Gathered, secrets: Secrets) -> tuple[list[Channel], list[Table]]:
    """Return the channels, each with its secrets, and the tables that tell of them.

    Without any channel, messages go to the log.
    """
    channels, tables = [], []
    for name in NOTIFIERS.having(SECTION):
        channels += _channel(gathered.sections[name], name, name, secrets)
    of_sections = list(channels)
    for given in gathered.lists[CHANNEL.section]:
        channels = list(of_sections)  # each is read, for its mistakes, and the strongest counts
        seen = {name: f"[{name}]" for name in NOTIFIERS.having(SECTION)}
        tables = listed(given, CHANNEL, gathered.problems)
        for table in tables:
            name = str(table.value("name") or "")
            if name:
                table.once(f'"{name}"', name, seen)
            channels += _channel(table, name, table.plugin, secrets)
    if not channels:
        for name in NOTIFIERS.having(LOG):
            channels.append(Channel(name, name, NOTIFIERS.settings(name, {})))
    return channels, tables


def _channel(table: Table, name: str, kind: str | None, secrets: Secrets) -> list[Channel]:
    """Return the channel of `table` where all is there that it needs, else none.

    Of one that has a section of its own nothing need be said at all.
    """
    withheld = {
        key.name: find_secret(table, key, credential(name, key), secrets)
        for key in table.keys.values()
        if key.kind is Kind.SECRET
    }
    required = [key.name for key in table.keys.values() if key.required]
    if name == table.at and all(table.value(one) is None for one in required):
        return []
    table.require(lambda key: _cure(key, name), {one for one, why in withheld.items() if why})
    if kind is None or not table.problems.sound(f"{table.at}."):
        return []
    given = table.values | {one: Secret("") for one, why in withheld.items() if why}
    _warn_of_plain_http(table, kind)
    why = next(filter(None, withheld.values()), "")
    settings = NOTIFIERS.settings(kind, given)
    if name != table.at and hasattr(settings, "table"):
        settings = replace(settings, table=f'[[notifiers]] "{name}"')
    return [Channel(name, kind, settings, why)]


def _cure(key: Key, name: str) -> str:
    """Return what to add where `key` is missing."""
    if key.kind is Kind.SECRET:
        place = credential(name or "NAME", key)
        return f"{key.name} or {key.name}_file, or load the credential {place}"
    example = key.example or (f'"{key.choices[0]}"' if key.choices else "...")
    return f"{key.name} = {example}"


def _warn_of_plain_http(table: Table, kind: str) -> None:
    secrets = [key.name for key in table.keys.values() if key.kind is Kind.SECRET]
    for name, key in table.keys.items():
        if secrets and key.kind is Kind.URL and _far_and_plain(str(table.value(name))):
            table.problems.warn(
                f"the {title_of(kind)} {secrets[0]} travels unencrypted to "
                f"{printable(str(table.value(name)))}; use https:// if the server has it"
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
