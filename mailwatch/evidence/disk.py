"""The room on the file systems that the container and mailwatch write to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.core.text import printable
from mailwatch.docker.record import Record, part, parts, text
from mailwatch.evidence import files
from mailwatch.evidence.subject import Subject

_PSEUDO = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs"})


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `file_systems`, one row for each that holds a path of interest."""
    unreadable: dict[str, Fact] = {}
    paths = [Path("/"), *subject.directories]
    try:
        paths += _written_to(subject.container(deadline))
    except NotReadable as silent:
        unreadable["the container's volumes"] = silent.reason
    mounts = _mounts(files.read(subject.proc / "self" / "mountinfo", 1024 * 1024))
    rows: dict[str, Json] = {}
    for path in paths:
        place, device, kind = _holder(path, mounts)
        if device in rows or kind in _PSEUDO:
            continue
        try:
            rows[device] = _room(path, place)
        except OSError as error:
            why = (error.strerror or "unknown trouble").lower()
            unreadable[printable(str(path))] = fact("room-unknown", path=str(path), error=why)
    return Finding({"file_systems": list(rows.values())}, unreadable)


def _written_to(container: Record) -> list[Path]:
    """Return where the container's volumes, its own layer and its log lie on the host."""
    layer = text(part(part(container, "GraphDriver"), "Data"), "UpperDir")
    found = [
        *(text(row, "Source") for row in parts(container, "Mounts")),
        layer,
        text(container, "LogPath"),
    ]
    return [Path(path) for path in found if path.startswith("/")]


Mount = tuple[str, str, str]
"""Where it is mounted, the number of its device, and its type."""


def _mounts(text: str) -> list[Mount]:
    """Read mountinfo as proc_pid_mountinfo(5) describes it; a later mount hides an earlier."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) >= 5 and kinds:
            place = fields[4].replace("\\040", " ").replace("\\134", "\\")
            found.append((place, fields[2], kinds[0]))
    return found


def _holder(path: Path, mounts: Sequence[Mount]) -> Mount:
    """Return the mount that holds `path`."""
    above = [mount for mount in reversed(mounts) if path.is_relative_to(mount[0])]
    return max(above, key=lambda mount: len(mount[0]), default=("/", "", ""))


def _room(path: Path, place: str) -> dict[str, Json]:
    """Return the room of the file system at `place`; a path below may be closed to us."""
    try:
        room = os.statvfs(place)
    except OSError:
        room = os.statvfs(path)
    return {
        "path": printable(place),
        "size_bytes": room.f_blocks * room.f_frsize,
        "free_bytes": room.f_bavail * room.f_frsize,
        "inodes": room.f_files,
        "free_inodes": room.f_favail,
    }
