"""A value in force, back in the form that TOML and JSON have; secrets stay masked."""

from __future__ import annotations

from mailwatch.core.keys import Value
from mailwatch.core.model import Fault
from mailwatch.core.secret import Secret

MASK = "***"

Plain = str | int | float | bool | list[str]


def plain(value: Value) -> Plain:
    """Return `value` as TOML would give it, a secret as `***`."""
    match value:
        case Secret():
            return MASK
        case frozenset():
            return [fault.value for fault in Fault if fault in value]
        case tuple():
            return list(value)
        case float() if value.is_integer():
            return int(value)
        case int() | float():
            return value
    return str(value)


def revealed(value: Value) -> Plain:
    """Return `value` as `plain` does, but a secret as it is: for the configuration file alone."""
    return value.reveal() if isinstance(value, Secret) else plain(value)
