"""The file systems that the container and mailwatch write to: their room, and if they may."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.core.text import printable
from mailwatch.docker.process import first_process
from mailwatch.docker.record import Record, part, parts, text
from mailwatch.evidence import files
from mailwatch.evidence.subject import Subject

_PSEUDO = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs"})


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `file_systems`, one row for each that holds a path of interest."""
    unreadable: dict[str, Fact] = {}
    paths = [Path("/"), *subject.directories]
    views = [subject.proc / "1"]
    try:
        container = subject.container(deadline)
        paths += _written_to(container)
        views += [process for process in (first_process(container, subject.proc),) if process]
    except NotReadable as silent:
        unreadable["the container's volumes"] = silent.reason
    mounts = _mounts(files.read(subject.proc / "self" / "mountinfo", 1024 * 1024))
    # Our own view is no use for that: the unit makes all of it read-only for us.
    closed = {one.device for view in views for one in _seen_in(view, unreadable) if one.is_closed}
    rows: dict[str, Json] = {}
    for path in paths:
        holder = _holder(path, mounts)
        place, device, kind = holder.place, holder.device, holder.kind
        if device in rows or kind in _PSEUDO:
            continue
        try:
            room = _room(path, place)
            rows[device] = room | ({"read_only": True} if device in closed else {})
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


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a file system is mounted, the number of its device, and its type."""

    place: str
    device: str
    kind: str
    is_closed: bool = False
    """Whether the kernel takes no writes although it was mounted to be written to.

    That is how an error leaves it (`errors=remount-ro` of ext4(5), `emergency_ro`): who mounts it
    read-only says so of the mount, too.
    """


def _mounts(text: str) -> list[Mount]:
    """Read mountinfo as proc_pid_mountinfo(5) describes it; a later mount hides an earlier."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(), right.split()
        if len(fields) >= 6 and kinds:
            place = fields[4].replace("\\040", " ").replace("\\134", "\\")
            wanted, so = fields[5].split(","), kinds[-1].split(",")
            closed = "emergency_ro" in so or ("ro" in so and "rw" in wanted)
            found.append(Mount(place, fields[2], kinds[0], closed))
    return found


def _seen_in(process: Path, unreadable: dict[str, Fact]) -> list[Mount]:
    try:
        return _mounts(files.read(process / "mountinfo", 1024 * 1024))
    except NotReadable as hidden:
        unreadable[f"mounts of process {process.name}"] = hidden.reason
        return []


def _holder(path: Path, mounts: Sequence[Mount]) -> Mount:
    """Return the mount that holds `path`."""
    above = [mount for mount in reversed(mounts) if path.is_relative_to(mount.place)]
    return max(above, key=lambda mount: len(mount.place), default=Mount("/", "", ""))


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
