"""The settings of one service: what all probes are told, and the options of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from mailwatch.core.address import is_loopback
from mailwatch.net.endpoint import Endpoint
from mailwatch.probes.catalogue import PORT, PROBES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceSettings(Endpoint):
    """How to ask one service whether it lives.

    Two services may share a name but not a name and a port. `probe` is a name in the catalogue of
    probes, `options` are the `Settings` of its own module, None for its defaults.
    """

    probe: str = "tcp"
    options: object = None

    @property
    def portless(self) -> bool:
        """Whether something else than a port is asked."""
        return not PROBES.can(self.probe, PORT)

    @property
    def on_loopback(self) -> bool:
        """Whether it is asked at this host's loopback, by address or as `localhost`."""
        return is_loopback(self.host)

    @property
    def key(self) -> str:
        """`NAME:PORT`, or `NAME` where it is portless; so readings and the journal call it."""
        return self.name if self.portless else f"{self.name}:{self.port}"


def options(settings: ServiceSettings, kind: type[T]) -> T:
    """Return the options of `settings`, which are of the probe's own `kind`, or its defaults."""
    return settings.options if isinstance(settings.options, kind) else kind()
