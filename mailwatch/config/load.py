"""File, flags and environment become one Config: environment wins, then flags, file, default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from mailwatch.config import values
from mailwatch.config.credentials import OwnCredentials, Secrets
from mailwatch.config.document import file_origin, read_document
from mailwatch.config.judge import judge
from mailwatch.config.model import Config, Origin, Setting, Source
from mailwatch.config.problems import Problems
from mailwatch.config.schema import KEYS
from mailwatch.config.services import default_services, read_services
from mailwatch.config.sources import Gathered, from_document, from_environment, from_flags
from mailwatch.config.token import find_token
from mailwatch.core.policy import Attempts, Policy
from mailwatch.core.secret import Secret
from mailwatch.docker.settings import DockerSettings
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.notifiers.gotify import GotifySettings
from mailwatch.probes.settings import ServiceSettings

_DEFAULT = Origin(Source.DEFAULT)
_SPARE_S = 30
"""What an interrupted restart may take beyond one that is seen through: a slow host at night."""
T = TypeVar("T")


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
    gathered = Gathered()
    secrets = secrets or Secrets(OwnCredentials(environ))
    if path is not None:
        document = read_document(path, required, problems)
        from_document(document, file_origin(path), gathered, problems)
    from_flags(flags, gathered, problems)
    from_environment(environ, gathered)
    chosen = _choose(gathered, problems)
    token = find_token(chosen, secrets, problems)
    services, of_services = _services(gathered, chosen["watch.host"], secrets, problems)
    judge(chosen, token, environ, problems)
    problems.settle()

    of = _Values(chosen)
    docker = _docker(of)
    return Config(
        gotify=_gotify(of, token.secret),
        token_withheld=token.withheld,
        services=services,
        docker=docker,
        policy=_policy(of, docker.longest_restart_s + _SPARE_S),
        state_directory=of.of("state.directory", Path),
        log_level=of.of("log.level", str),
        evidence=EvidenceSettings(
            enabled=of.of("evidence.enabled", bool),
            wait_s=of.seconds("evidence.wait_s"),
            max_mib=of.of("evidence.max_mib", int),
        ),
        settings=MappingProxyType({**chosen, **of_services}),
        warnings=tuple(problems.warnings),
    )


def _choose(gathered: Gathered, problems: Problems) -> dict[str, Setting]:
    """Return each key's setting in force; a mistake in a value that is overridden counts too."""
    chosen = {key.dotted: Setting(key.default, _DEFAULT) for key in KEYS}
    for given in gathered.values:
        dotted = given.key.dotted
        try:
            chosen[dotted] = Setting(values.read(given.key, given.raw), given.origin)
        except values.Wrong as wrong:
            problems.mistake(given.origin, dotted, f"{given.subject} {wrong}")
    return chosen


def _services(
    gathered: Gathered, host: Setting, secrets: Secrets, problems: Problems
) -> tuple[tuple[ServiceSettings, ...], dict[str, Setting]]:
    """Read every list of services, for its mistakes, and return the one that wins."""
    lists = gathered.services or [default_services()]
    return [read_services(given, host, secrets, problems) for given in lists][-1]


@dataclass(frozen=True, slots=True)
class _Values:
    """The values in force, each asked for as what its kind makes of it."""

    chosen: Mapping[str, Setting]

    def of(self, dotted: str, kind: type[T]) -> T:
        value = self.chosen[dotted].value
        assert isinstance(value, kind), dotted
        return value

    def seconds(self, dotted: str) -> float:
        return self.of(dotted, float)


def _gotify(of: _Values, token: Secret | None) -> GotifySettings | None:
    url = of.chosen["gotify.url"].value
    if not isinstance(url, str) or token is None:
        return None
    return GotifySettings(
        url=url,
        token=token,
        timeout_s=of.seconds("gotify.timeout_s"),
        priority=of.of("gotify.priority", int),
    )


def _docker(of: _Values) -> DockerSettings:
    return DockerSettings(
        container=of.of("restart.container", str),
        socket=str(of.of("restart.socket", Path)),
        stop_timeout_s=of.of("restart.stop_timeout_s", int),
    )


def _policy(of: _Values, restart_limit_s: float) -> Policy:
    return Policy(
        interval_s=of.seconds("watch.interval_s"),
        attempts=Attempts(
            retries=of.of("watch.retries", int),
            timeout_s=of.seconds("watch.attempt_timeout_s"),
            delay_s=of.seconds("watch.retry_delay_s"),
        ),
        restart_limit_s=restart_limit_s,
        settle_s=of.seconds("restart.settle_s"),
        verify_timeout_s=of.seconds("restart.attempt_timeout_s"),
        verify_for_s=of.seconds("restart.verify_for_s"),
        verify_every_s=of.seconds("restart.verify_every_s"),
        restart_on=of.of("restart.on", frozenset),
        restart_when_all_dropped=of.of("restart.when_all_dropped", bool),
        min_failure_s=of.seconds("restart.min_failure_s"),
        backoff_s=of.seconds("restart.backoff_s"),
        backoff_max_s=of.seconds("restart.backoff_max_s"),
        max_restarts=of.of("restart.max_restarts", int),
        window_s=of.seconds("restart.window_s"),
        cooldown_s=of.seconds("restart.cooldown_s"),
        rearm_after_s=of.seconds("restart.rearm_after_s"),
        start_grace_s=of.seconds("restart.start_grace_s"),
        remind_every_s=of.seconds("notify.remind_every_s"),
        messages_per_hour=of.of("notify.messages_per_hour", int),
        unmeasured_after_s=of.seconds("watch.unmeasured_after_s"),
        certificate_days=of.of("watch.certificate_days", int),
    )
