"""The installed service as systemd knows it (systemctl(1), `show`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PATIENCE_S = 10
_PROPERTIES = (
    "ActiveState", "Environment", "LoadState", "NRestarts", "PrivateTmp", "ProcSubset",
    "ProtectHome", "ProtectProc", "Result", "StateDirectory", "SupplementaryGroups",
    "UnitFileState", "User", "WatchdogUSec",
)  # fmt: skip

_SECONDS = {
    "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800,
    "month": 2_629_800, "y": 31_557_600,
}  # fmt: skip
"""How systemd writes a span (systemd.time(7))."""

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|min|h|d|w|month|y)")
_SETS = re.compile(r"WatchdogSec\s*=")


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
    said = _systemctl("show", f"--property={','.join(_PROPERTIES)}", "--", name)
    pairs = (line.partition("=") for line in said.splitlines())
    properties = {key: value for key, _, value in pairs}
    if properties.get("LoadState") != "loaded":
        return None
    if properties.get("WatchdogUSec") == "infinity":
        # What a unit has that was not started since systemd read it (service.c of 252).
        properties["WatchdogUSec"] = _last_watchdog(_systemctl("cat", "--", name))
    return Unit(properties)


def _systemctl(*words: str) -> str:
    import subprocess  # the service itself asks nothing here

    try:
        return subprocess.run(  # noqa: S603  the words are our own
            ["systemctl", *words],  # noqa: S607  wherever this system has it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=True,
            encoding="utf-8",
            errors="replace",
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _last_watchdog(files: str) -> str:
    """Return the WatchdogSec= that counts in a unit's files: the last; a bare number is seconds."""
    given = [line.partition("=")[2].strip() for line in files.splitlines() if _SETS.match(line)]
    last = given[-1] if given else ""
    return f"{last}s" if last.isdecimal() else last


def seconds(span: str) -> float:
    """Return a span as systemd prints it (`1min 30s`) in seconds, 0 for none and for nonsense."""
    parts = [_SPAN.fullmatch(part) for part in span.split()]
    if not all(parts):
        return 0
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts if part)
