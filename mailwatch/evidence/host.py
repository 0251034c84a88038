"""The host in numbers: load, pressure, memory, tracked connections, files, overflows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
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
            values.update(reader(subject.proc))
        except NotReadable as missing:
            unreadable[name] = missing.reason
        except ValueError:
            unreadable[name] = fact("kernel-unknown")
    return Finding(values, unreadable)


def _pressure(proc: Path) -> dict[str, Json]:
    """Return the shares of time in which work stood still, see proc_pressure(5) or PSI."""
    found: dict[str, Json] = {}
    for what in ("cpu", "memory", "io"):
        found[what] = {
            f"{kind}_{window}_percent": float(share)
            for kind, ten, sixty in _PRESSURE.findall(files.read(proc / "pressure" / what))
            for window, share in (("10s", ten), ("60s", sixty))
        }
    return {"pressure": found}


def _memory(proc: Path) -> dict[str, Json]:
    kib = files.table(files.read(proc / "meminfo"))
    return {
        "memory": {ours: int(kib[name]) * 1024 for name, ours in _MEMORY.items() if name in kib}
    }


def _conntrack(proc: Path) -> dict[str, Json]:
    place = proc / "sys/net/netfilter"
    return {
        "conntrack": int(files.read(place / "nf_conntrack_count")),
        "conntrack_limit": int(files.read(place / "nf_conntrack_max")),
    }


def _files(proc: Path) -> dict[str, Json]:
    used, _, most = files.read(proc / "sys/fs/file-nr").split()[:3]
    return {"files": int(used), "files_limit": int(most)}


def _kills(proc: Path) -> dict[str, Json]:
    count = files.table(files.read(proc / "vmstat")).get("oom_kill")
    return {"oom_kills_since_boot": None if count is None else int(count)}


_READERS: Mapping[str, Callable[[Path], Mapping[str, Json]]] = {
    "load": lambda proc: {"load": list(map(float, files.read(proc / "loadavg").split()[:3]))},
    "pressure": _pressure,
    "memory": _memory,
    "conntrack": _conntrack,
    "files": _files,
    "oom_kills_since_boot": _kills,
    "uptime_s": lambda proc: {"uptime_s": float(files.read(proc / "uptime").split()[0])},
    "overflows": lambda proc: network.counters(proc / "self" / "net"),
}
