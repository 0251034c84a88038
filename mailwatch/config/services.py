"""The services to watch: [[services]] tables or `NAME:PORT,...` become ServiceSettings."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from mailwatch.config import nested, portless, values
from mailwatch.config.credentials import Secrets
from mailwatch.config.files import Unreadable, read_file
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.privacy import check_privacy
from mailwatch.config.problems import Problems
from mailwatch.config.schema import DEFAULT_SERVICES, SERVICE_KEYS, SERVICE_SECTION, Value
from mailwatch.config.sources import GivenServices, unknown
from mailwatch.core.text import printable
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.settings import KNOWN, ServiceSettings, defaults_for, usual_port

_LONGEST_CA_FILE = 4 * 1024 * 1024
_ONLY_WITH_TLS = ("verify", "ca_file", "server_name", "minimum_tls", "fingerprint")
_ONLY_WITH_IMAP_TLS = ("imap_server_name", "imap_fingerprint")
_STARTTLS = ("smtp", "imap", "pop3", "sieve", "lmtp", "canary")
"""The probes whose protocol has a command to begin TLS."""

Row = dict[str, Value]
"""The keys of one service that were given and could be read."""


def read_services(
    given: GivenServices, host: Setting, secrets: Secrets, problems: Problems
) -> tuple[tuple[ServiceSettings, ...], dict[str, Setting]]:
    """Return the services that `given` lists and their settings; `host` is the common host.

    What is wrong goes to `report`, and the services it concerns are left out.
    """
    rows = _rows(given, problems)
    services = []
    settings = {}
    seen: dict[str, str] = {}
    for at, row in rows.items():
        if "name" not in row or ("port" not in row and portless.has_port(row)):
            continue
        service = _service(at, row, given.origin, str(host.value), secrets, problems)
        first = seen.setdefault(service.key, at)
        if first != at:
            problems.mistake(
                given.origin,
                at,
                f"{at} is {service.key} like {first}; remove one of them, or give it another name",
            )
        services.append(service)
        settings.update(_settings(at, row, service, given.origin, host.origin))
    return tuple(services), settings


def _rows(given: GivenServices, problems: Problems) -> dict[str, Row]:
    """Return where each service stands (`services[1]`, ...) -> what could be read of it."""
    if isinstance(given.raw, str):
        return _rows_of_text(given, given.raw, problems)
    if isinstance(given.raw, dict):
        sentence = "[services] is one table; write [[services]], double, above each service"
        problems.mistake(given.origin, "services", sentence)
        return {}
    if not isinstance(given.raw, list):
        sentence = (
            f"services is {values.show(given.raw)}; write a line [[services]] for each service"
        )
        problems.mistake(given.origin, "services", sentence)
        return {}
    if not given.raw:
        sentence = "services is an empty list; name at least one service, or remove the line"
        problems.mistake(given.origin, "services", sentence)
    return {
        f"services[{index}]": _row(f"services[{index}]", table, given.origin, problems)
        for index, table in enumerate(given.raw, start=1)
    }


def _row(at: str, table: object, origin: Origin, problems: Problems) -> Row:
    if not isinstance(table, Mapping):
        sentence = f"{at} is {values.show(table)}; write a table with a name and a port"
        problems.mistake(origin, at, sentence)
        return {}
    row: Row = {}
    for name, raw in table.items():
        key = SERVICE_SECTION.get(name)
        dotted = f"{at}.{name}"
        if key is None:
            problems.mistake(origin, printable(dotted, 80), unknown(dotted, SERVICE_SECTION))
            continue
        try:
            row[name] = values.read(key, raw)
        except values.Wrong as wrong:
            problems.mistake(origin, dotted, f"{dotted} {wrong}")
    for key in SERVICE_KEYS:
        if key.name == "port" and not portless.has_port(table):
            continue
        if key.required and key.name not in table:
            sentence = f"{at} has no {key.name}; add {key.name} = {_example(key.name, row)}"
            problems.mistake(origin, f"{at}.{key.name}", sentence)
    return row


def _example(key: str, row: Row) -> str:
    if key == "name":
        return '"SMTP"'
    port = usual_port(_name(row), *_asked(row))
    return str(port) if port else "N, where N is the one on which it listens"


def _name(row: Row) -> str:
    return str(row.get("name", ""))


def _asked(row: Row) -> tuple[str, TlsMode]:
    """Return with which probe the service is asked, and when TLS begins."""
    said = defaults_for(_name(row))
    probe = str(row.get("probe", said.probe))
    # A name that spoke of another protocol has said nothing of TLS that is worth a guess.
    tls = said.tls if probe == said.probe else TlsMode.NONE
    return probe, TlsMode(str(row.get("tls", tls)))


def _rows_of_text(given: GivenServices, text: str, problems: Problems) -> dict[str, Row]:
    rows = {}
    entries = text.strip().removesuffix(",").split(",")
    for index, entry in enumerate(entries, start=1):
        at = f"services[{index}]"
        name, _, port = entry.strip().rpartition(":")
        in_toml = {"name": name.strip(), "port": values.plain(SERVICE_SECTION["port"], port)}
        try:
            rows[at] = {key: values.read(SERVICE_SECTION[key], in_toml[key]) for key in in_toml}
        except values.Wrong:
            problems.mistake(
                given.origin,
                at,
                f'{given.subject} has "{printable(entry.strip(), 80)}" where NAME:PORT belongs; '
                f"write for example SMTP:25,IMAPS:993, ports from 1 to 65535",
            )
    return rows


def _service(
    at: str, row: Row, origin: Origin, host: str, secrets: Secrets, problems: Problems
) -> ServiceSettings:
    probe, tls = _asked(row)
    given = nested.fold(at, row, probe, origin, secrets, problems)
    fields: dict[str, Any] = {"host": host, "probe": probe, "tls": tls, **given}
    if "ca_file" in row:
        fields.setdefault("verify", True)
    service = ServiceSettings(**fields)
    portless.check(at, row, service, origin, problems)
    if not service.portless:
        _check_tls(at, row, service, origin, problems)
        check_privacy(at, service, problems)
    return service


def _check_tls(
    at: str, row: Row, service: ServiceSettings, origin: Origin, problems: Problems
) -> None:
    if service.tls is TlsMode.STARTTLS and service.probe not in _STARTTLS:
        problems.mistake(
            origin,
            f"{at}.tls",
            f'{at}.tls is "starttls", which the probe "{service.probe}" has no command for; '
            f'write "implicit" or "none"',
        )
    canary = service.canary
    without = []
    if service.tls is TlsMode.NONE and (canary is None or canary.imap_tls is TlsMode.NONE):
        without += [(name, service.key, "tls") for name in _ONLY_WITH_TLS]
    if canary is not None and canary.imap_tls is TlsMode.NONE:
        mailbox = f"the mailbox of {service.key}"
        without += [(name, mailbox, "imap_tls") for name in _ONLY_WITH_IMAP_TLS]
    for name, asked, mode in without:
        if row.get(name):
            problems.mistake(
                origin,
                f"{at}.{name}",
                f"{at}.{name} is set, but {asked} is asked without TLS; "
                f'add {mode} = "implicit", or remove {name}',
            )
    if service.ca_file is None:
        return
    if not service.verify:
        sentence = (
            f"{at}.ca_file is set, but verify is false, so it has no effect; remove one of them"
        )
        problems.mistake(origin, f"{at}.ca_file", sentence)
        return
    try:
        content, _ = read_file(service.ca_file, _LONGEST_CA_FILE)
        _check_pem(content)
    except Unreadable as reason:
        path = printable(str(service.ca_file))
        problems.mistake(origin, f"{at}.ca_file", f"{at}.ca_file: {path} {reason}")


def _check_pem(content: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=content.decode("ascii", "replace")
        )
    except (ssl.SSLError, ValueError):
        raise Unreadable("holds no certificate in PEM form; export it as PEM") from None


def _settings(
    at: str, row: Row, service: ServiceSettings, origin: Origin, of_host: Origin
) -> dict[str, Setting]:
    settings = {}
    for key in SERVICE_KEYS:
        if not portless.applies(key.name, service.probe):
            continue
        value: Value | None = (
            row.get(key.name, key.default)
            if key.name in nested.NESTED
            else getattr(service, key.name)
        )
        inherited = of_host if key.name == "host" else Origin(Source.DEFAULT)
        given = origin if key.name in row else inherited
        settings[f"{at}.{key.name}"] = Setting(None if value == () else value, given)
    return settings


def default_services() -> GivenServices:
    """Return the list of services that is in force where nobody gives one."""
    text = ",".join(f"{name}:{KNOWN[name].port}" for name in DEFAULT_SERVICES)
    return GivenServices(text, Origin(Source.DEFAULT))
