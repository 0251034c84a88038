"""Whether the service can keep what it must remember: its directory and the space in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.text import printable
from mailwatch.doctor.case import Case
from mailwatch.host.account import ENTER, READ, WRITE

LEAST_FREE = 64 * 1024 * 1024
"""Bytes; the database is capped well below that."""

_USUAL = Path("/var/lib/mailwatch")


def examine(case: Case) -> Iterator[Diagnosis]:
    """Give one finding on the rights and one on the space."""
    path = case.config.state_directory
    account = case.account
    shown, name = printable(str(path)), printable(account.name)
    try:
        allowed = account.may(path, READ | WRITE | ENTER)
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
    if allowed is None:
        sentence = f"Whether user {name} may write to {shown} cannot be seen from here."
        yield warning(sentence, "Run this as root.")
        return
    if not allowed:
        yield problem(f"User {name} may not write to {shown}.", f"Run `chown {name}: {shown}`.")
    else:
        yield ok(f"User {name} may write to {shown}.")
    yield _space(path, shown)


def _space(path: Path, shown: str) -> Diagnosis:
    there = os.statvfs(path)
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
