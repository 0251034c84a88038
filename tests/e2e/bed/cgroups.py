"""A control group of our own in every hierarchy of this machine, so that nothing stays behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.bed.wait import wait_until

_PREFIX = "mailwatch-e2e-"


def make(name: str) -> list[Path]:
    """Make the group `name` (a process id) in each hierarchy and return its directories."""
    sweep()
    made = []
    for root in _hierarchies():
        group = root / f"{_PREFIX}{name}"
        group.mkdir()
        # A new group of the first version's cpuset has no processor, and takes no process.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (root / "cgroup.clone_children").exists() and (root / file).exists():
                (group / file).write_text((root / file).read_text())
        made.append(group)
    return made


def remove(groups: list[Path]) -> None:
    """Remove groups whose processes have ended; waits for the kernel to let go of them."""
    wait_until(lambda: all(_removed(group) for group in groups), 10, f"the end of {groups}")


def left(pid: int) -> list[Path]:
    """Return the groups that the process `pid` has made and that are still there."""
    return [group for root in _hierarchies() for group in root.glob(f"{_PREFIX}{pid}-*")]


def sweep() -> None:
    """Remove what a run that was killed has left: groups named after a process that is gone."""
    for root in _hierarchies():
        for group in root.glob(f"{_PREFIX}*"):
            if not Path("/proc", group.name.removeprefix(_PREFIX).split("-")[0]).exists():
                _removed(group)


def _hierarchies() -> Iterator[Path]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        if after.split()[0] in ("cgroup", "cgroup2") and root == "/":
            yield Path(place)


def _removed(group: Path) -> bool:
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            return False
    return not group.exists()
