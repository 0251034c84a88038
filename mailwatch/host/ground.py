"""What a plug-in's check in the doctor may know of the installation that it examines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mailwatch.core.address import is_loopback
from mailwatch.core.model import Asked, TargetState
from mailwatch.host.account import Account
from mailwatch.host.unit import Unit


@dataclass(frozen=True, slots=True)
class AskedPort:
    """A port that is asked; `service` is the key of the service that has it asked.

    At those `introduced` a PROXY header of version 1 says who asks.
    """

    service: str
    host: str
    port: int
    introduced: bool = False

    @property
    def on_loopback(self) -> bool:
        """Whether it is asked at this host's loopback, by address or as `localhost`."""
        return is_loopback(self.host)


class Ground(Protocol):
    """What several checks need; it is looked up when the first asks for it."""

    @property
    def unit(self) -> Unit | None:
        """The installed service, None where systemd does not know it."""

    @property
    def account(self) -> Account:
        """Who the service runs as."""

    @property
    def target(self) -> TargetState:
        """What the target of a restart is doing."""

    @property
    def start_grace_s(self) -> float:
        """How long the admin lets the target be starting."""

    @property
    def asked_ports(self) -> tuple[AskedPort, ...]:
        """Every port that is asked."""

    @property
    def asked(self) -> Asked:
        """Where services are asked, as the service itself tells a map of ports."""

    @property
    def well_known(self) -> Mapping[int, str]:
        """The ports of mail, and the names of the services that are usually found there."""
