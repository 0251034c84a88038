"""What configuration becomes: one frozen Config, where each value came from, or the mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mailwatch.core.keys import Value
from mailwatch.core.model import Asked
from mailwatch.core.policy import Policy
from mailwatch.core.secret import Secret
from mailwatch.core.text import printable
from mailwatch.evidence.settings import EvidenceSettings
from mailwatch.host.ground import AskedPort
from mailwatch.net.endpoint import ProxyHeader
from mailwatch.notifiers.catalogue import Channel
from mailwatch.probes.catalogue import ends
from mailwatch.probes.settings import ServiceSettings
from mailwatch.restarters.catalogue import Chosen


class Source(StrEnum):
    """The places that a value can come from; the first named wins."""

    ENVIRONMENT = "environment"
    FLAG = "command line"
    FILE = "file"
    CREDENTIAL = "systemd credential"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value came from; `name` is the variable, the file or the credential."""

    source: Source
    name: str = ""

    @classmethod
    def of_file(cls, path: Path) -> Origin:
        """Return the origin of what stands in the file `path`."""
        return cls(Source.FILE, printable(str(path)))

    def __str__(self) -> str:
        if self.source is Source.FILE:
            return self.name
        return f"{self.source} {self.name}" if self.name else self.source.value


@dataclass(frozen=True, slots=True)
class Setting:
    """One key as it is in force; `value` is None where the key was left out."""

    value: Value | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with the configuration.

    `source` names the place to mend: the file, `environment` or `command line`. `key` is dotted,
    such as `services[2].port` (counted from 1), and empty for the file as a whole. `sentence`
    says what is wrong and what to do; it is printable and never holds a secret.
    """

    source: str
    key: str
    sentence: str
    line: int | None = None
    """That of the file, where it is known: of the key, or of the table that lacks it."""

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}, line {self.line}"
        return f"{place}: {self.sentence}"


class ConfigError(Exception):
    """The configuration cannot be used; `str()` is the ready text with a line for each mistake."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes))


@dataclass(frozen=True, slots=True)
class Config:
    """All that the daemon is built from.

    `channels` are where messages go, the log where none is configured. Two configurations are
    equal when they mean the same, wherever their values came from.
    """

    channels: tuple[Channel, ...]
    services: tuple[ServiceSettings, ...]
    restart: Chosen
    """What is restarted, and by which restarter."""
    policy: Policy
    state_directory: Path
    log_level: str
    """One of schema.LOG_LEVELS."""
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    settings: Mapping[str, Setting] = field(default_factory=dict, compare=False)
    """Every key by its dotted name, `services[1].port` among them, in the order of the schema."""
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """Sentences on what works but should not stay so."""

    @property
    def asked_ports(self) -> tuple[AskedPort, ...]:
        """Every port that is asked, the mailbox of a canary's too."""
        return tuple(
            AskedPort(service.key, end.host, end.port, end.proxy is ProxyHeader.V1)
            for service in self.services
            for _, end in ends(service)
        )

    @property
    def asked(self) -> Asked:
        """Where services are asked, for which a restarter maps the ports of its target."""
        ports = self.asked_ports
        return Asked(
            ports=frozenset(one.port for one in ports if one.on_loopback),
            hosts=frozenset(one.host for one in ports if not one.introduced),
            introduced=frozenset(one.host for one in ports if one.introduced),
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret in force, so that what is written down can be cleared of them."""
        of_channels = [secret for channel in self.channels for secret in channel.secrets]
        logins = (service.login for service in self.services)
        passwords = (login.password for login in logins if login is not None)
        return (*of_channels, *filter(None, passwords))
