"""The installed service as systemd knows it (systemctl(1), `show`)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

_PATIENCE_S = 10
_PROPERTIES = (
    "ActiveState", "Environment", "LoadState", "NRestarts", "ProtectHome", "Result",
    "StateDirectory", "SupplementaryGroups", "UnitFileState", "User", "WatchdogUSec",
)  # fmt: skip

_SECONDS = {
    "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800,
    "month": 2_629_800, "y": 31_557_600,
}  # fmt: skip
"""How systemd writes a span (systemd.time(7))."""

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min|h|d|w|month|y)")


@dataclass(frozen=True, slots=True)
class Unit:
    """What `systemctl show` says of a unit that is there."""

    properties: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """Return a property, empty where systemd does not know it."""
        return self.properties.get(name, "")

    @property
    def watchdog_s(self) -> float | None:
        """The watchdog's time in seconds, None where there is none."""
        return seconds(self["WatchdogUSec"]) or None


def read_unit(name: str) -> Unit | None:
    """Return what systemd knows of `name`; None without systemd, or without such a unit."""
    command = ["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", name]
    try:
        done = subprocess.run(  # noqa: S603  the name is our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=True,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    unit = Unit({key: value for key, _, value in pairs})
    return unit if unit["LoadState"] == "loaded" else None


def seconds(span: str) -> float:
    """Return a span as systemd prints it (`1min 30s`) in seconds, 0 for none and for nonsense."""
    parts = [_SPAN.fullmatch(part) for part in span.split()]
    if not all(parts):
        return 0
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts if part)
