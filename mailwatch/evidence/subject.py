"""What a collector is told: whom to look at, and through what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, NotReadable
from mailwatch.core.facts import fact
from mailwatch.core.model import Reading
from mailwatch.core.secret import Secret
from mailwatch.docker.process import first_process
from mailwatch.docker.record import Record


class Examiner(Protocol):
    """What a container engine tells of one container; one is used from one thread only.

    Every method ends with its deadline, and raises NotReadable alone.
    """

    def container(self, deadline: Deadline) -> Record:
        """Return what the engine knows of the container, as its API words it."""

    def log(self, since: float, deadline: Deadline) -> bytes:
        """Return the last lines written since `since` (seconds since 1970), each with its time."""

    def processes(self, deadline: Deadline) -> Sequence[Mapping[str, str]]:
        """Return a row for each process: pid, ppid, stat, etimes, rss, wchan and comm of ps(1)."""

    def close(self) -> None:
        """Give the connection to the engine back."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of readings, and when it ended in seconds since 1970."""

    at: float
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What to look at.

    `ports` are those that the watched services have on this host. `readings` are the ones at
    hand now, `rounds` the ones before, the oldest first. `since` (seconds since 1970) is when
    all was last well. `directories` are looked at for room beside the container's own.
    `secrets` are masked wherever they turn up. `options` are the settings of the collectors and
    servers that have keys of their own, by their names.
    """

    examiner: Callable[[], Examiner]
    ports: tuple[int, ...] = ()
    readings: tuple[Reading, ...] = ()
    rounds: tuple[Round, ...] = ()
    since: float = 0.0
    directories: tuple[Path, ...] = ()
    secrets: tuple[Secret, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    proc: Path = Path("/proc")
    cgroups: Path = Path("/sys/fs/cgroup")

    def container(self, deadline: Deadline) -> Record:
        """Return what an examiner of one's own says of the container; raises NotReadable."""
        with closing(self.examiner()) as examiner:
            return examiner.container(deadline)


Collector = Callable[[Subject, Deadline], Finding]
"""Looks at one thing within a deadline; it may raise NotReadable, and nothing else."""


def process_of(container: Record, proc: Path) -> Path:
    """Return the folder of the container's first process; raises NotReadable if it has none."""
    process = first_process(container, proc)
    if process is None:
        raise NotReadable(fact("no-process"))
    return process
