"""What the kernel counts for the container's processes together: memory, kills, processes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import EVERYTHING, Finding, Json, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.evidence import files
from mailwatch.evidence.subject import Subject, process_of

_UNLIMITED = 1 << 60
"""cgroup v1 says 2^63 less a page where it means none."""

_NUMBERS = {
    "memory_bytes": (("", "memory.current"), ("memory", "memory.usage_in_bytes"), ""),
    "memory_limit_bytes": (("", "memory.max"), ("memory", "memory.limit_in_bytes"), ""),
    "pids": (("", "pids.current"), ("pids", "pids.current"), ""),
    "pids_limit": (("", "pids.max"), ("pids", "pids.max"), ""),
    "oom_kills": (("", "memory.events"), ("memory", "memory.oom_control"), "oom_kill"),
    "cpu_throttled": (("", "cpu.stat"), ("cpu", "cpu.stat"), "nr_throttled"),
}
"""For each its file in cgroup v2, the controller and file in v1, and its key if that has many."""


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return the numbers of the group of the container's first process; raises NotReadable."""
    process = process_of(subject.container(deadline), subject.proc)
    groups = _groups(files.read(process / "cgroup"))
    values: dict[str, Json] = {}
    unreadable: dict[str, Fact] = {}
    for name, (modern, old, key) in _NUMBERS.items():
        try:
            text = _read(subject.cgroups, groups, (modern, old)).strip()
        except NotReadable as missing:
            unreadable[name] = missing.reason
            continue
        if key:
            text = files.table(text).get(key, "")
        if text.isdigit() and int(text) < _UNLIMITED:
            values[name] = int(text)
    if not values:
        return Finding({}, {EVERYTHING: next(iter(unreadable.values()))})
    return Finding(values, unreadable)


def _groups(text: str) -> dict[str, str]:
    """Return controller -> path of cgroups(7), `/proc/[pid]/cgroup`; v2 has the empty name."""
    fields = [line.split(":", 2) for line in text.splitlines() if line.count(":") > 1]
    return {name: path for _, names, path in fields for name in names.split(",")}


def _read(root: Path, groups: dict[str, str], places: Iterable[tuple[str, str]]) -> str:
    """Read the first of `places` that is there; with v1, the group `` has no controllers."""
    failed = NotReadable(fact("no-control-group"))
    for controller, name in places:
        if controller in groups:
            try:
                return files.read(root / controller / groups[controller].lstrip("/") / name)
            except NotReadable as missing:
                failed = missing
    raise failed
