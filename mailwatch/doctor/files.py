"""Whether the service, not whoever runs this, may open its files and keep what it must remember."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mailwatch.config.model import Source
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import printable
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
        yield ok(f"User {printable(case.account.name)} may read every file that is configured.")


def _read(case: Case, path: Path) -> Iterator[Diagnosis]:
    shown, name = printable(str(path)), printable(case.account.name)
    for switch, trees in _HIDDEN.items():
        hidden = case.unit is not None and case.unit[switch] == "yes"
        if hidden and any(path.is_relative_to(tree) for tree in trees):
            yield problem(
                f"The unit hides {shown} from the service ({switch}=yes).",
                "Move it to /etc, and correct the configuration.",
            )
            return
    try:
        allowed = case.account.may(path, READ)
    except OSError:
        return  # gone since it was read
    if allowed is None:
        yield _unseen(f"read {shown}", name)
    elif not allowed:
        yield problem(
            f"User {name} may not read {shown}, so the service does not start.",
            f"Run `chgrp {name} {shown}; chmod g+r {shown}`, and let it enter every directory "
            "above.",
        )


def _unseen(what: str, name: str) -> Diagnosis:
    return warning(f"Whether user {name} may {what} cannot be seen from here.", "Run this as root.")


def examine_state(case: Case) -> Iterator[Diagnosis]:
    """Give one finding on the rights in the state directory, and one on its space."""
    path = case.config.state_directory
    shown, name = printable(str(path)), printable(case.account.name)
    try:
        allowed = case.account.may(path, READ | WRITE | ENTER)
        there = os.statvfs(path) if allowed is not None else None
    except (FileNotFoundError, NotADirectoryError):
        if path == _USUAL:
            yield ok(f"{shown} does not exist yet: systemd makes it when the service starts.")
        else:
            cure = f"Create it for user {name}, or correct [state] directory."
            yield problem(f"The state directory {shown} does not exist.", cure)
        return
    except OSError as error:
        yield problem(f"{shown} cannot be looked at ({error.strerror}).", "Mend the disk.")
        return
    if there is None:
        yield _unseen(f"write to {shown}", name)
        return
    if allowed:
        yield ok(f"User {name} may write to {shown}.")
    else:
        yield problem(f"User {name} may not write to {shown}.", f"Run `chown {name}: {shown}`.")
    yield _space(there, shown)


def _space(there: os.statvfs_result, shown: str) -> Diagnosis:
    free = there.f_bavail * there.f_frsize
    if there.f_flag & os.ST_RDONLY:
        return problem(f"{shown} is on a file system that is mounted read-only.", "Mend the disk.")
    if free < LEAST_FREE:
        return warning(
            f"{shown} has {free // 2**20} MiB left; without space, mailwatch goes on from memory "
            "and forgets at its end.",
            "Make room on that disk.",
        )
    if there.f_files and not there.f_favail:
        return warning(f"{shown} has no inode left.", "Remove files on that disk.")
    return ok(f"{shown} has {free // 2**20} MiB left.")
