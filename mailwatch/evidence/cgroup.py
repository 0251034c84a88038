"""What the kernel counts for the container's processes together: memory, kills, processes."""

from __future__ import annotations

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
    found = subject.examine(lambda examiner: examiner.container(deadline))
    groups = _groups(files.read(process_of(found, subject.proc) / "cgroup"))
    values: dict[str, Json] = {}
    unreadable: dict[str, Fact] = {}
    for name, (modern, old, key) in _NUMBERS.items():
        try:
            text = _read(subject.cgroups, groups, (modern, old)).strip()
        except NotReadable as missing:
            unreadable[name] = missing.reason
            continue
        if key:
            table = dict(line.split()[:2] for line in text.splitlines() if " " in line.strip())
            text = table.get(key, "")
        if text.isdigit() and int(text) < _UNLIMITED:
            values[name] = int(text)
    if not values:
        return Finding({}, {EVERYTHING: next(iter(unreadable.values()))})
    return Finding(values, unreadable)


def _groups(text: str) -> dict[str, str]:
    """Return controller -> path of cgroups(7), `/proc/[pid]/cgroup`; v2 has the empty name."""
    groups = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _read(
    root: Path, groups: dict[str, str], places: tuple[tuple[str, str], tuple[str, str]]
) -> str:
    """Read the first of `places` that is there; with v1, the group `` has no controllers."""
    failed = NotReadable(fact("no-control-group"))
    for controller, name in places:
        if controller not in groups:
            continue
        try:
            return files.read(root / controller / groups[controller].lstrip("/") / name)
        except NotReadable as missing:
            failed = missing
    raise failed
