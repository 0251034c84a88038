"""The evidence on the disk: one compressed file a look, bounded in size, number and age."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import stat
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from mailwatch.core.evidence import EVERYTHING, Evidence, Finding, Json
from mailwatch.core.facts import fact

Moment = Literal["before", "again", "after"]
"""As it failed, as it failed still (after a restart in vain, say), and once all was well."""

MOMENTS: tuple[Moment, ...] = ("before", "again", "after")

MAX_FILE_BYTES = 128 * 1024
"""Three files an incident, so an incident has at most 384 KiB."""

KEEP_S = 400 * 86_400.0
"""As long as the incident itself is remembered."""

_LONGEST_JSON = 16 * 1024 * 1024
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

Kept = dict[str, Json]
"""A look as it is kept: collector -> its values, and `unreadable` among them."""


def folder(directory: Path) -> Path:
    """Return where evidence lies below the state directory."""
    return directory / "evidence"


def save(directory: Path, incident: str, moment: Moment, evidence: Evidence) -> Path:
    """Write a look to the disk, whole or not at all, and return its file; raises OSError.

    `directory` is the state directory. What would be more than MAX_FILE_BYTES loses its longest
    parts, and says so.
    """
    path = _path(directory, incident, moment)
    path.parent.mkdir(mode=0o750, exist_ok=True)
    packed = _packed(evidence)
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("wb") as file:
            os.fchmod(file.fileno(), 0o640)
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        return new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def load(directory: Path, incident: str) -> dict[str, Kept | None]:
    """Return the look of each moment, None where there is none or it cannot be read."""
    return {moment: _read(_path(directory, incident, moment)) for moment in MOMENTS}


def findings(kept: Mapping[str, Json] | None) -> Evidence:
    """Return what was kept as findings again; nothing kept is no finding."""
    return {name: Finding.of_json(value) for name, value in (kept or {}).items()}


def prune(directory: Path, max_bytes: int, oldest: float) -> int:
    """Remove what was written before `oldest`, then the oldest until `max_bytes` are left.

    `oldest` is in seconds since 1970. Returns how many files went; never raises.
    """
    found = []
    with suppress(OSError):
        for file in folder(directory).iterdir():
            with suppress(OSError):
                about, half = file.stat(), file.name.endswith(".new")
                found.append((float("-inf") if half else about.st_mtime, about.st_size, file))
    total, gone = sum(size for _, size, _ in found), 0
    for written, size, file in sorted(found):
        if written < oldest or total > max_bytes:
            with suppress(OSError):
                file.unlink()
                total -= size
                gone += 1
    return gone


def _path(directory: Path, incident: str, moment: Moment) -> Path:
    if not _ID.fullmatch(incident):
        raise ValueError(f"{incident!r} is not the id of an incident")
    return folder(directory) / f"{incident}.{moment}.json.gz"


def _packed(evidence: Evidence) -> bytes:
    kept: Kept = {name: finding.as_json() for name, finding in evidence.items()}
    while True:
        text = json.dumps(kept, separators=(",", ":"))
        # No file name and no time in the header, so that equal evidence is an equal file.
        packed = gzip.compress(text.encode("ascii"), 6, mtime=0)
        if len(packed) <= MAX_FILE_BYTES:
            return packed
        longest = max(kept, key=lambda name: len(json.dumps(kept[name])))
        kept[longest] = _shorter(kept[longest])


def _shorter(values: Json) -> Json:
    """Return a finding without the older half of its longest list, or without anything."""
    table = dict(values) if isinstance(values, Mapping) else {}
    lists = {name: one for name, one in table.items() if isinstance(one, list) and len(one) > 1}
    if not lists:
        return Finding({}, {EVERYTHING: fact("too-long")}).as_json()
    longest = max(lists, key=lambda name: len(json.dumps(lists[name])))
    return {**table, longest: lists[longest][len(lists[longest]) // 2 :], "cut": True}


def _open_regular(path: str, flags: int) -> int:
    """Open `path` where it is a file of its own: no link is followed, and no pipe waited for."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")
    return descriptor


def _read(path: Path) -> Kept | None:
    try:
        with open(path, "rb", opener=_open_regular) as packed, gzip.open(packed) as file:
            value = json.loads(file.read(_LONGEST_JSON))
    except (OSError, EOFError, ValueError, RecursionError, zlib.error):
        return None
    return value if isinstance(value, dict) else None
