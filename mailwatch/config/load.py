"""File, flags and environment become one Config: environment wins, then flags, file, default."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailwatch.config.channels import read_channels
from mailwatch.config.document import read_documents
from mailwatch.config.judge import judge
from mailwatch.config.model import Config, ConfigError, Origin
from mailwatch.config.problems import Problems
from mailwatch.config.schema import PLAIN_KEYS
from mailwatch.config.secrets import OwnCredentials, Secrets
from mailwatch.config.services import read_services
from mailwatch.config.sources import gather
from mailwatch.config.tables import DEFAULT, Table
from mailwatch.core.policy import Attempts, Policy
from mailwatch.evidence.catalogue import COLLECTORS
from mailwatch.evidence.catalogue import KEYS as WITH_KEYS
from mailwatch.evidence.servers.catalogue import SERVERS
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.restarters.catalogue import RESTARTERS, Chosen

_SPARE_S = 30
"""What an interrupted restart may take beyond one that is seen through: a slow host at night."""


def load(
    path: Path | None,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    required: bool = True,
    secrets: Secrets | None = None,
) -> Config:
    """Return the configuration, or raise ConfigError with every mistake there is.

    `path` is the TOML file, whose snippets are read after it, None for none; a file that is not
    there is a mistake only when `required`. `flags` maps dotted keys (`watch.retries`, `services`)
    to a TOML value or bare text, which is read as the environment's text is. `environ` is the
    environment; an empty variable counts as not set. The files that the configuration names are
    read here, and of its secrets those that `secrets` wants: all, with the credentials of this
    process, by default.
    """
    problems = Problems()
    secrets = secrets or Secrets(OwnCredentials(environ))
    document = read_documents(path, required, problems) if path else {}
    origin = Origin.of_file(path) if path else DEFAULT
    gathered = gather(document, origin, flags, environ, problems)
    sections = gathered.sections
    channels, of_channels = read_channels(gathered, secrets)
    services, of_services = read_services(gathered, secrets)
    judge(sections["restart"], environ, problems)
    if problems.mistakes:
        raise ConfigError(tuple(problems.mistakes))

    kind = sections["restart"].plugin
    assert kind
    restart = Chosen(kind, RESTARTERS.settings(kind, sections["restart"].values))
    tables = [*sections.values(), *of_channels, *of_services]
    return Config(
        channels=tuple(channels),
        services=tuple(services),
        restart=restart,
        policy=_policy(sections, restart.longest_restart_s + _SPARE_S),
        state_directory=sections["state"].value("directory"),
        log_level=sections["log"].value("level"),
        evidence=_evidence(sections["evidence"]),
        settings=MappingProxyType(dict(chain.from_iterable(table.dotted for table in tables))),
        warnings=tuple(problems.warnings),
    )


def _policy(sections: Mapping[str, Table], restart_limit_s: float) -> Policy:
    """Return the policy: its fields are the keys of the sections that are about it."""
    fields: dict[str, Any] = {
        key.field or key.name: sections[section].value(key.name)
        for section in ("watch", "restart", "notify")
        for key in PLAIN_KEYS[section]
        if (key.field or key.name) in Policy.__dataclass_fields__
    }
    watch = sections["watch"].value
    attempts = Attempts(watch("retries"), watch("attempt_timeout_s"), watch("retry_delay_s"))
    return Policy(**fields, attempts=attempts, restart_limit_s=restart_limit_s)


def _evidence(table: Table) -> EvidenceSettings:
    """Return what [evidence] says, with the settings of collectors and servers by their names."""
    options = {
        name: plugins.settings(name, table.values)
        for plugins in (COLLECTORS, SERVERS)
        for name in plugins.having(WITH_KEYS)
    }
    for name in SERVERS.names():
        SERVERS.load(name)  # now, for an outage may be one of the disk, and causes speak its words
    plain: dict[str, Any] = {key.name: table.value(key.name) for key in PLAIN_KEYS["evidence"]}
    return EvidenceSettings(**plain, options=options)
