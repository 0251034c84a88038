"""A digest of how a service is asked, by which a change of its settings is seen."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any

from mailwatch.net.endpoint import Login
from mailwatch.probes.catalogue import FLAT, PROBES
from mailwatch.probes.settings import ServiceSettings


def digest(settings: ServiceSettings) -> str:
    """Return the same 64 hexadecimal digits for the same way to ask, in any process and version.

    No secret goes into it: a digest of one could be guessed at. Neither does what is left at its
    default, so that a setting of a later version changes nothing until somebody uses it.
    """
    told = _changed(settings)
    options = told.pop("options", None)
    if options and PROBES.can(settings.probe, FLAT):
        assert isinstance(options, dict)
        told |= options
    elif options:
        told[settings.probe] = options
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
