"""The settings of one service: what all probes are told, the options of one, and their digest."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from typing import Any, TypeVar

from mailwatch.core.address import is_loopback
from mailwatch.net.endpoint import Endpoint, Login
from mailwatch.probes.catalogue import FLAT, PORT, PROBES

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


def digest(settings: ServiceSettings) -> str:
    """Return the same 64 hexadecimal digits for the same way to ask, in any process and version.

    No secret goes into it: a digest of one could be guessed at. Neither does what is left at its
    default, so that a setting of a later version changes nothing until somebody uses it.
    """
    told = _changed(settings)
    rules = told.pop("options", None)
    if rules and PROBES.can(settings.probe, FLAT):
        assert isinstance(rules, dict)
        told |= rules
    elif rules:
        told[settings.probe] = rules
    said = json.dumps(told, sort_keys=True)
    return sha256(said.encode()).hexdigest()


def _changed(value: Any) -> dict[str, object]:
    """Return what of a dataclass is not at its default."""
    told = {field.name: (field.default, getattr(value, field.name)) for field in fields(value)}
    return {name: _plain(now) for name, (default, now) in told.items() if now != default}


def _plain(value: object) -> object:
    if isinstance(value, Login):
        return value.user  # whether its password can be read here is no matter
    if is_dataclass(value):
        return _changed(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, int | float | None) else str(value)
