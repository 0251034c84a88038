"""The services to watch: [[services]] tables or `NAME:PORT,...` become ServiceSettings."""

from __future__ import annotations

import ssl
from dataclasses import replace

from mailwatch.config import values
from mailwatch.config.files import UnreadableFile, read_file
from mailwatch.config.model import Setting
from mailwatch.config.problems import Problems
from mailwatch.config.schema import DEFAULT_SERVICES, SERVICE
from mailwatch.config.secrets import Secrets, read_login
from mailwatch.config.sources import Gathered
from mailwatch.config.tables import DEFAULT, GivenList, Table, listed
from mailwatch.core.address import is_loopback, is_numeric
from mailwatch.core.keys import Key
from mailwatch.core.text import printable
from mailwatch.net.endpoint import TlsMode
from mailwatch.probes.catalogue import PROBES, STARTTLS, defaults_for, ends, usual_port, well_known
from mailwatch.probes.settings import ServiceSettings

_LONGEST_CA_FILE = 4 * 1024 * 1024
_ONLY_WITH_TLS = ("verify", "ca_file", "server_name", "minimum_tls", "fingerprint")
_FIELDS = frozenset(ServiceSettings.__dataclass_fields__)


def read_services(
    gathered: Gathered, secrets: Secrets
) -> tuple[list[ServiceSettings], list[Table]]:
    """Return the services, and the tables that tell of them.

    Those of which too much is wrong are left out.
    """
    services: list[ServiceSettings] = []
    tables: list[Table] = []
    for given in gathered.lists[SERVICE.section] or [_default_services()]:
        rows = _split(given, gathered.problems)
        tables = listed(rows, SERVICE, gathered.problems) if rows else []
        services = []  # each is read, for its mistakes, and the strongest counts
        seen: dict[str, str] = {}
        for table in tables:
            if service := _service(table, gathered.sections["watch"].settings["host"], secrets):
                table.once(service.key, service.key, seen)
                services.append(service)
    return services, tables


def _default_services() -> GivenList:
    known = well_known()
    listed = [{"name": name, "port": known[name].port} for name in DEFAULT_SERVICES]
    return GivenList(listed, DEFAULT, SERVICE.section)


def _split(given: GivenList, problems: Problems) -> GivenList | None:
    """Return `given` with the tables that `NAME:PORT,...` stands for, where it is such a text.

    Return None where it stands for none.
    """
    if not isinstance(given.raw, str):
        return given
    tables = []
    keys = SERVICE.keys(None)
    for index, entry in enumerate(given.raw.strip().removesuffix(",").split(","), start=1):
        name, _, port = entry.strip().rpartition(":")
        table = {"name": name.strip(), "port": values.plain(keys["port"], port)}
        try:
            for key, raw in table.items():
                values.read(keys[key], raw)
        except values.Wrong:
            sentence = (
                f'{given.subject} has "{printable(entry.strip(), 80)}" where NAME:PORT belongs; '
                f"write for example SMTP:25,IMAPS:993, ports from 1 to 65535"
            )
            problems.mistake(given.origin, f"services[{index}]", sentence)
        tables.append(table)
    return replace(given, raw=tables) if problems.sound(f"{SERVICE.section}[") else None


def _service(table: Table, host: Setting, secrets: Secrets) -> ServiceSettings | None:
    """Return the service, None where too much of it is wrong."""
    probe, problems = table.plugin, table.problems
    usual = defaults_for(str(table.value("name")))
    # A name that spoke of another protocol has said nothing of TLS that is worth a guess.
    tls = usual.tls if probe == usual.probe else TlsMode.NONE
    for name, setting in (
        ("host", host),
        ("probe", Setting(probe, DEFAULT)),
        ("tls", Setting(tls, DEFAULT)),
        ("verify", Setting(table.given("ca_file"), DEFAULT)),
    ):
        if name in table.keys and not table.given(name):
            table.settings[name] = setting
    table.require(lambda key: f"{key.name} = {_example(key, table)}")
    needed = [name for name in ("name", "port") if name in table.keys]
    if probe is None or any(table.value(name) is None for name in needed):
        return None
    given = {name: one for name, one in table.values.items() if name in _FIELDS and one is not None}
    service = ServiceSettings(
        **{"host": host.value, **given},
        login=read_login(table, secrets),
        options=PROBES.settings(probe, table.values),
    )
    if judge := getattr(PROBES.load(probe), "judge", None):
        for name, sentence in judge(table.at, service, list(filter(table.given, table.keys))):
            if problems.sound(f"{table.at}.{name}"):
                table.mistake(name, sentence)
    if warn := getattr(PROBES.load(probe), "warn", None):
        for sentence in warn(table.at, service):
            problems.warn(sentence)
    if not service.portless:
        _check_port(table, service)
        _check_tls(table, service)
        _check_ca_file(table, service)
        _check_privacy(table, service)
    return service


def _example(key: Key, table: Table) -> str:
    if key.name == "name":
        usual = (name for name, one in well_known().items() if one.port == table.value("port"))
        return next((f'"{name}"' for name in usual), key.example)
    if key.name != "port" or table.plugin is None:
        return key.example
    port = usual_port(str(table.value("name")), table.plugin, table.value("tls"))
    return str(port) if port else "N, where N is the one on which it listens"


def _check_port(table: Table, service: ServiceSettings) -> None:
    """Warn of a port that is well known for a service whose TLS begins otherwise."""
    others = (name for name, one in well_known().items() if one.port == service.port)
    other = next(others, None)
    own = defaults_for(service.name)
    if other is None or table.given("tls") or own.port in (None, service.port):
        return
    if (own.tls is TlsMode.IMPLICIT) != (well_known()[other].tls is TlsMode.IMPLICIT):
        begins = "begins with TLS" if own.tls is TlsMode.IMPLICIT else "does not begin with TLS"
        table.problems.warn(
            f"{table.at} is {service.name}, which {begins}, on port {service.port}, where "
            f'{other} is usual; write port = {own.port}, name = "{other}", or say tls'
        )


def _check_tls(table: Table, service: ServiceSettings) -> None:
    at = table.at
    if not table.problems.sound(f"{at}.tls"):
        return  # when TLS begins is not known, and that has its own sentence
    if service.tls is TlsMode.STARTTLS and not PROBES.can(service.probe, STARTTLS):
        sentence = (
            f'{at}.tls is "starttls", which the probe "{service.probe}" has no command '
            'for; write "implicit" or "none"'
        )
        table.mistake("tls", sentence)
    if any(end.tls is not TlsMode.NONE for _, end in ends(service)):
        return
    for name in _ONLY_WITH_TLS:
        if table.given(name) and table.value(name):
            cure = f'add tls = "implicit", or remove {name}'
            sentence = f"{at}.{name} is set, but {service.key} is asked without TLS; {cure}"
            table.mistake(name, sentence)


def _check_ca_file(table: Table, service: ServiceSettings) -> None:
    if service.ca_file is None:
        return
    dotted = f"{table.at}.ca_file"
    wrong = ""
    if not service.verify:
        wrong = " is set, but verify is false, so it has no effect; remove one of them"
    else:
        shown = printable(str(service.ca_file))
        try:
            content, _ = read_file(service.ca_file, _LONGEST_CA_FILE)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=content.decode("ascii", "replace"))
        except UnreadableFile as reason:
            wrong = f": {shown} {reason}"
        except (ssl.SSLError, ValueError):
            wrong = f": {shown} holds no certificate in PEM form; export it as PEM"
    if wrong:
        table.mistake("ca_file", f"{dotted}{wrong}")


def _check_privacy(table: Table, service: ServiceSettings) -> None:
    """Warn of each login without TLS to an address that is not this host's loopback.

    It is never sent (`net.logins.require_privacy`, which also knows where a name leads), so the
    service stays unmeasured; the others are watched all the same.
    """
    for key, end in ends(service):
        is_far = is_numeric(end.host) and not is_loopback(end.host)
        if end.login is not None and end.tls is TlsMode.NONE and is_far:
            table.problems.warn(
                f"{table.at} has a login, which is not sent to {end.host} without TLS, so it "
                f'cannot be measured; add {key} = "implicit" or "starttls", or remove user '
                "and password"
            )
