"""Whether the service, not whoever runs this, may open its files and keep what it must remember."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mailwatch.config.model import Source
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.doctor.case import Case
from mailwatch.host.account import ENTER, READ, WRITE

_NAMED_BY = "_file"
"""How the keys end that name a file to read."""

_HIDDEN = {
    "ProtectHome": ("/home", "/root", "/run/user"),
    "PrivateTmp": ("/tmp", "/var/tmp"),  # noqa: S108  compared with, nothing is put there
}
"""Properties of a unit that hide trees from its service (systemd.exec(5))."""

LEAST_FREE = 64 * 1024 * 1024
"""Bytes; the database is capped well below that."""

_USUAL = Path("/var/lib/mailwatch")


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give a finding for each file that the service may not open, or one for all that it may."""
    if case.unit is None or not case.account.exists:
        return  # who asks is who would run it, or another check has told
    settings = case.config.settings
    origins = (setting.origin for setting in settings.values())
    own = [Path(origin.name) for origin in origins if origin.source is Source.FILE]
    named = [one.value for key, one in settings.items() if key.endswith(_NAMED_BY)]
    paths = dict.fromkeys([*own, *(path for path in named if isinstance(path, Path))])
    troubles = [trouble for path in paths for trouble in _read(case, path)]
    yield from troubles
    if not troubles:
        yield ok("files-readable", user=case.account.name)


def _read(case: Case, path: Path) -> Iterator[Diagnosis]:
    about = {"path": str(path), "user": case.account.name}
    for switch, trees in _HIDDEN.items():
        hidden = case.unit is not None and case.unit[switch] == "yes"
        if hidden and any(path.is_relative_to(tree) for tree in trees):
            yield problem("file-hidden", path=str(path), switch=switch)
            return
    try:
        allowed = case.account.may(path, READ)
    except OSError:
        return  # gone since it was read
    if allowed is None:
        yield warning("file-unseen", **about)
    elif not allowed:
        yield problem("file-unreadable", **about)


def examine_state(case: Case) -> Iterator[Diagnosis]:
    """Give one finding on the rights in the state directory, and one on its space."""
    path = case.config.state_directory
    shown, about = str(path), {"path": str(path), "user": case.account.name}
    try:
        allowed = case.account.may(path, READ | WRITE | ENTER)
        there = os.statvfs(path) if allowed is not None else None
    except (FileNotFoundError, NotADirectoryError):
        if path == _USUAL:
            yield ok("state-not-made", path=shown)
        else:
            yield problem("state-absent", **about)
        return
    except OSError as error:
        yield problem("state-broken", path=shown, why=error.strerror)
        return
    if there is None:
        yield warning("state-unseen", **about)
        return
    yield ok("state-writable", **about) if allowed else problem("state-unwritable", **about)
    yield _space(there, shown)


def _space(there: os.statvfs_result, shown: str) -> Diagnosis:
    free = there.f_bavail * there.f_frsize
    if there.f_flag & os.ST_RDONLY:
        return problem("state-read-only", path=shown)
    if free < LEAST_FREE:
        return warning("state-scant", path=shown, free_bytes=free)
    if there.f_files and not there.f_favail:
        return warning("state-no-inode", path=shown)
    return ok("state-room", path=shown, free_bytes=free)
