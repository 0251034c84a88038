"""File, flags and environment become one Config: environment wins, then flags, file, default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailwatch.config import values
from mailwatch.config.channels import read_channels
from mailwatch.config.credentials import OwnCredentials, Secrets
from mailwatch.config.document import file_origin, read_document
from mailwatch.config.judge import judge
from mailwatch.config.model import Config, Origin, Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import PLAIN_KEYS, schema
from mailwatch.config.services import default_services, read_services
from mailwatch.config.sources import (
    Gathered,
    from_document,
    from_environment,
    from_flags,
    restarter_of,
)
from mailwatch.core.catalogue import Catalogue
from mailwatch.core.keys import Value, settled
from mailwatch.core.policy import Attempts, Policy
from mailwatch.evidence.catalogue import COLLECTORS
from mailwatch.evidence.catalogue import KEYS as WITH_KEYS
from mailwatch.evidence.servers.catalogue import SERVERS
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.restarters.catalogue import RESTARTERS, Chosen

_DEFAULT = Origin(Source.DEFAULT)
_SPARE_S = 30
"""What an interrupted restart may take beyond one that is seen through: a slow host at night."""

Values = Mapping[str, Value | None]
"""What is in force of each key, by its dotted name."""


def load(
    path: Path | None,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    required: bool = True,
    secrets: Secrets | None = None,
) -> Config:
    """Return the configuration, or raise ConfigError with every mistake there is.

    `path` is the TOML file, None for none; a file that is not there is a mistake only when
    `required`. `flags` maps dotted keys (`watch.retries`, `services`) to a TOML value or bare
    text, which is read as the environment's text is. `environ` is the environment; an empty
    variable counts as not set. The files that the configuration names are read here, and of its
    secrets those that `secrets` wants: all, with the credentials of this process, by default.
    """
    problems = Problems()
    secrets = secrets or Secrets(OwnCredentials(environ))
    document, exposed = read_document(path, required, problems) if path else ({}, False)
    gathered = Gathered(schema(restarter_of(document, flags)), exposed)
    if path:
        from_document(document, file_origin(path), gathered, problems)
    from_flags(flags, gathered, problems)
    from_environment(environ, gathered)
    chosen = _choose(gathered, problems)
    channels = read_channels(gathered, chosen, secrets, problems)
    lists = [
        read_services(given, chosen["watch.host"], secrets, problems)
        for given in gathered.lists["services"] or [default_services()]
    ]
    services, of_services = lists[-1]  # each is read, for its mistakes, and the strongest counts
    judge(chosen, environ, problems)
    problems.settle()

    of = {dotted: setting.value for dotted, setting in chosen.items()}
    kind = gathered.schema.restarter
    restart = Chosen(kind, _own(RESTARTERS, kind, "restart", of))
    return Config(
        channels=tuple(channels.found),
        services=services,
        restart=restart,
        policy=_policy(of, restart.longest_restart_s + _SPARE_S),
        state_directory=Path(str(of["state.directory"])),
        log_level=str(of["log.level"]),
        evidence=_evidence(of),
        settings=MappingProxyType({**chosen, **channels.settings, **of_services}),
        warnings=tuple(problems.warnings),
    )


def _choose(gathered: Gathered, problems: Problems) -> dict[str, Setting]:
    """Return each key's setting in force; a mistake in a value that is overridden counts too."""
    chosen = {key.dotted: Setting(key.default, _DEFAULT) for key in gathered.schema.keys}
    for given in gathered.values:
        dotted = given.key.dotted
        try:
            chosen[dotted] = Setting(values.read(given.key, given.raw), given.origin)
        except values.Wrong as wrong:
            problems.mistake(given.origin, dotted, f"{given.subject} {wrong}")
    return chosen


def _own(plugins: Catalogue[Any], name: str, section: str, of: Values) -> Any:
    """Return the settings of the plug-in `name`, whose keys are in `section`."""
    keys = plugins.keys(name)
    given = {key.name: of[f"{section}.{key.name}"] for key in keys}
    return settled(plugins.load(name).Settings, keys, given)


def _policy(of: Values, restart_limit_s: float) -> Policy:
    """Return the policy: its fields are the keys of the sections that are about it."""
    fields: dict[str, Any] = {
        key.field or key.name: of[f"{section}.{key.name}"]
        for section in ("watch", "restart", "notify")
        for key in PLAIN_KEYS[section]
        if (key.field or key.name) in Policy.__dataclass_fields__
    }
    watch: list[Any] = [
        of[f"watch.{one}"] for one in ("retries", "attempt_timeout_s", "retry_delay_s")
    ]
    attempts = Attempts(*watch)
    return Policy(**fields, attempts=attempts, restart_limit_s=restart_limit_s)


def _evidence(of: Values) -> EvidenceSettings:
    """Return what [evidence] says, with the settings of collectors and servers by their names."""
    options = {
        name: _own(plugins, name, "evidence", of)
        for plugins in (COLLECTORS, SERVERS)
        for name in plugins.having(WITH_KEYS)
    }
    for name in SERVERS.names():
        SERVERS.load(name)  # now, for an outage may be one of the disk, and causes speak its words
    plain: dict[str, Any] = {key.name: of[f"evidence.{key.name}"] for key in PLAIN_KEYS["evidence"]}
    return EvidenceSettings(**plain, options=options)
