"""The services to watch: [[services]] tables or `NAME:PORT,...` become ServiceSettings."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from typing import Any

from mailwatch.config import values
from mailwatch.config.credentials import Secrets
from mailwatch.config.files import UnreadableFile, read_file
from mailwatch.config.logins import LOGIN_KEYS, read_login
from mailwatch.config.model import Origin, Setting, Source
from mailwatch.config.privacy import check_privacy
from mailwatch.config.problems import Problems
from mailwatch.config.rows import Row, choice_of, listed, read_row
from mailwatch.config.schema import (
    DEFAULT_SERVICES,
    every_service_key,
    probes_with,
    service_keys,
)
from mailwatch.config.sources import GivenTables
from mailwatch.core.keys import Key, Value, settled
from mailwatch.core.text import join_words, printable
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import (
    LOGIN,
    PORT,
    PROBES,
    STARTTLS,
    defaults_for,
    ends,
    usual_port,
    well_known,
)
from mailwatch.probes.settings import ServiceSettings

_LONGEST_CA_FILE = 4 * 1024 * 1024
_ONLY_WITH_TLS = ("verify", "ca_file", "server_name", "minimum_tls", "fingerprint")


def read_services(
    given: GivenTables, host: Setting, secrets: Secrets, problems: Problems
) -> tuple[tuple[ServiceSettings, ...], dict[str, Setting]]:
    """Return the services that `given` lists and their settings; `host` is the common host.

    What is wrong goes to `problems`, and the services it concerns are left out.
    """
    if isinstance(given.raw, str):
        tables = _tables_of_text(given, given.raw, problems)
    else:
        tables = listed(given, "a name and a port", problems)
    services = []
    settings = {}
    seen: dict[str, str] = {}
    for at, table in tables.items():
        reader = _Reader(at, table, given.origin, problems)
        service = reader.service(str(host.value), secrets)
        if service is None:
            continue
        first = seen.setdefault(service.key, at)
        if first != at:
            problems.mistake(
                given.origin,
                at,
                f"{at} is {service.key} like {first}; remove one of them, or give it another name",
            )
        services.append(service)
        settings.update(reader.settings(service, host.origin))
    return tuple(services), settings


def _tables_of_text(
    given: GivenTables, text: str, problems: Problems
) -> dict[str, Mapping[str, object]]:
    tables: dict[str, Mapping[str, object]] = {}
    keys = service_keys(None)
    for index, entry in enumerate(text.strip().removesuffix(",").split(","), start=1):
        at = f"services[{index}]"
        name, _, port = entry.strip().rpartition(":")
        table = {"name": name.strip(), "port": values.plain(keys["port"], port)}
        try:
            for key, raw in table.items():
                values.read(keys[key], raw)
        except values.Wrong:
            problems.mistake(
                given.origin,
                at,
                f'{given.subject} has "{printable(entry.strip(), 80)}" where NAME:PORT belongs; '
                f"write for example SMTP:25,IMAPS:993, ports from 1 to 65535",
            )
        else:
            tables[at] = table
    return tables


class _Reader:
    """Reads one table; where its probe is not known, nothing is said of what depends on that."""

    def __init__(
        self, at: str, table: Mapping[str, object], origin: Origin, problems: Problems
    ) -> None:
        self._at = at
        self._table = table
        self._origin = origin
        self._problems = problems
        name = table.get("name")
        self._said = defaults_for(name if isinstance(name, str) else "")
        self._probe: str | None = self._said.probe
        if "probe" in table:
            self._probe = choice_of(table, "probe", PROBES.names())
        self._keys = service_keys(self._probe)
        self._likely = self._probe or values.nearest(str(table.get("probe")), [*PROBES.names()])
        """The probe, or the one that was probably meant."""
        self._row: Row = {}

    def service(self, host: str, secrets: Secrets) -> ServiceSettings | None:
        """Return the service, None where too much of it is wrong."""
        known = self._keys if self._probe else every_service_key()
        self._row = row = read_row(
            self._at, self._table, known, self._origin, self._problems, self._misfit
        )
        self._require(common=True)
        probe = self._probe
        if probe is None or "name" not in row or ("port" not in row and PROBES.can(probe, PORT)):
            return None
        fields: dict[str, Any] = {
            name: value
            for name, value in row.items()
            if name in ServiceSettings.__dataclass_fields__ and name not in LOGIN_KEYS
        }
        login = None
        if PROBES.can(probe, LOGIN):
            login = read_login(self._at, row, self._origin, secrets, self._problems)
        if "ca_file" in row:
            fields.setdefault("verify", True)
        self._require(common=False)
        module = PROBES.load(probe)
        options = getattr(module, "Settings", None)
        service = ServiceSettings(
            **{
                "host": host,
                **fields,
                "probe": probe,
                "tls": self._tls(probe),
                "login": login,
                "options": options and settled(options, PROBES.keys(probe), row),
            }
        )
        for name, sentence in getattr(module, "judge", _nothing)(self._at, service, self._table):
            if self._problems.sound(f"{self._at}.{name}"):
                self._mistake(name, sentence)
        if not service.portless:
            self._check_tls(service)
            check_privacy(self._at, service, self._problems)
        return service

    def settings(self, service: ServiceSettings, of_host: Origin) -> dict[str, Setting]:
        """Return what `config show` shows of `service`."""
        shown = {}
        for name, key in self._keys.items():
            if key.needs and not PROBES.can(service.probe, key.needs):
                continue
            value: Value | None = self._row.get(name, key.default)
            if key.needs != LOGIN and name in ServiceSettings.__dataclass_fields__:
                value = getattr(service, name)
            inherited = of_host if name == "host" else Origin(Source.DEFAULT)
            origin = self._origin if name in self._row else inherited
            shown[f"{self._at}.{name}"] = Setting(value, origin)
        return shown

    def _mistake(self, name: str, sentence: str) -> None:
        self._problems.mistake(self._origin, f"{self._at}.{name}", sentence)

    def _tls(self, probe: str) -> TlsMode:
        # A name that spoke of another protocol has said nothing of TLS that is worth a guess.
        said = self._said.tls if probe == self._said.probe else TlsMode.NONE
        return TlsMode(str(self._row.get("tls", said)))

    def _misfit(self, name: str) -> str | None:
        """Return why the key `name` does not belong to a service of this probe."""
        key, probe = self._keys.get(name), self._probe
        if probe is None:
            return "" if key is None and name in every_service_key() else None
        if key is None:
            owners = probes_with(name)
            if not owners:
                return None
            return f'is set, but only probe = {_quoted(owners)} knows it, not "{probe}"; remove it'
        if not key.needs or PROBES.can(probe, key.needs):
            return None
        if key.needs == LOGIN:
            return f"is set, but only probe = {_quoted(PROBES.having(LOGIN))} can log in; remove it"
        return f'is set, but probe = "{probe}" asks no port; remove it'

    def _require(self, *, common: bool) -> None:
        """Name each required key that is not there, of all services or of this probe's own."""
        own = {key.name for key in PROBES.keys(self._probe)} if self._probe else frozenset()
        for name, key in self._keys.items():
            if not key.required or name in self._table or (name in own) is common:
                continue
            if key.needs and not PROBES.can(self._likely, key.needs):
                continue
            which = "" if common else f', which probe = "{self._probe}" needs'
            sentence = f"{self._at} has no {name}{which}; add {name} = {self._example(key)}"
            self._mistake(name, sentence)

    def _example(self, key: Key) -> str:
        if key.name != "port":
            return key.example
        port = usual_port(str(self._row.get("name", "")), self._likely, self._tls(self._likely))
        return str(port) if port else "N, where N is the one on which it listens"

    def _check_tls(self, service: ServiceSettings) -> None:
        if "tls" in self._table and "tls" not in self._row:
            return  # when TLS begins is not known, and that has its own sentence
        if service.tls is TlsMode.STARTTLS and not PROBES.can(service.probe, STARTTLS):
            self._mistake(
                "tls",
                f'{self._at}.tls is "starttls", which the probe "{service.probe}" has no command '
                'for; write "implicit" or "none"',
            )
        if all(end.tls is TlsMode.NONE for _, end in ends(service)):
            for name in _ONLY_WITH_TLS:
                if self._row.get(name):
                    self._mistake(
                        name,
                        f"{self._at}.{name} is set, but {service.key} is asked without TLS; "
                        f'add tls = "implicit", or remove {name}',
                    )
        if service.ca_file is None:
            return
        dotted = f"{self._at}.ca_file"
        if not service.verify:
            sentence = (
                f"{dotted} is set, but verify is false, so it has no effect; remove one of them"
            )
            self._mistake("ca_file", sentence)
            return
        try:
            content, _ = read_file(service.ca_file, _LONGEST_CA_FILE)
            _check_pem(content)
        except UnreadableFile as reason:
            self._mistake("ca_file", f"{dotted}: {printable(str(service.ca_file))} {reason}")


def _nothing(_at: str, _service: ServiceSettings, _given: Collection[str]) -> tuple[()]:
    return ()


def _quoted(names: Collection[str]) -> str:
    return join_words([f'"{one}"' for one in names], "or")


def _check_pem(content: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=content.decode("ascii", "replace")
        )
    except (ssl.SSLError, ValueError):
        raise UnreadableFile("holds no certificate in PEM form; export it as PEM") from None


def default_services() -> GivenTables:
    """Return the list of services that is in force where nobody gives one."""
    known = well_known()
    text = ",".join(f"{name}:{known[name].port}" for name in DEFAULT_SERVICES)
    return GivenTables(text, Origin(Source.DEFAULT), "services")
