"""The host in numbers: load, pressure, memory, tracked connections, files, overflows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.evidence import files, network
from mailwatch.evidence.subject import Subject

_MEMORY = {
    "MemTotal": "total_bytes",
    "MemAvailable": "available_bytes",
    "SwapTotal": "swap_bytes",
    "SwapFree": "swap_free_bytes",
    "Dirty": "dirty_bytes",
}
_PRESSURE = re.compile(r"^(some|full) avg10=([0-9.]+) avg60=([0-9.]+)", re.MULTILINE)


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return each number that can be read, and the reason for each that cannot."""
    values: dict[str, Json] = {"processors": os.cpu_count()}
    unreadable: dict[str, Fact] = {}
    for name, reader in _READERS.items():
        try:
            found = reader(subject.proc)
        except NotReadable as missing:
            unreadable[name] = missing.reason
        except ValueError:
            unreadable[name] = fact("kernel-unknown")
        else:
            if isinstance(found, dict) and name in _SPREAD:
                values.update(found)
            else:
                values[name] = found
    return Finding(values, unreadable)


def _load(proc: Path) -> Json:
    return [float(word) for word in files.read(proc / "loadavg").split()[:3]]


def _pressure(proc: Path) -> Json:
    """Return the shares of time in which work stood still, see proc_pressure(5) or PSI."""
    found: dict[str, Json] = {}
    for what in ("cpu", "memory", "io"):
        text = files.read(proc / "pressure" / what)
        found[what] = {
            f"{kind}_{window}_percent": float(share)
            for kind, ten, sixty in _PRESSURE.findall(text)
            for window, share in (("10s", ten), ("60s", sixty))
        }
    return found


def _memory(proc: Path) -> Json:
    found: dict[str, Json] = {}
    for line in files.read(proc / "meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name in _MEMORY:
            found[_MEMORY[name]] = int(rest.split()[0]) * 1024
    return found


def _conntrack(proc: Path) -> dict[str, Json]:
    place = proc / "sys/net/netfilter"
    return {
        "conntrack": int(files.read(place / "nf_conntrack_count")),
        "conntrack_limit": int(files.read(place / "nf_conntrack_max")),
    }


def _files(proc: Path) -> dict[str, Json]:
    used, _, most = files.read(proc / "sys/fs/file-nr").split()[:3]
    return {"files": int(used), "files_limit": int(most)}


def _kills(proc: Path) -> Json:
    for line in files.read(proc / "vmstat").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return None


def _uptime(proc: Path) -> Json:
    return float(files.read(proc / "uptime").split()[0])


def _overflows(proc: Path) -> dict[str, Json]:
    return dict(network.counters(proc / "self" / "net"))


_READERS: dict[str, Callable[[Path], Json]] = {
    "load": _load,
    "pressure": _pressure,
    "memory": _memory,
    "conntrack": _conntrack,
    "files": _files,
    "oom_kills_since_boot": _kills,
    "uptime_s": _uptime,
    "overflows": _overflows,
}
_SPREAD = frozenset({"conntrack", "files", "overflows"})
