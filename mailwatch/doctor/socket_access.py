"""Whether the service, not whoever runs this, may use the socket of the Docker engine."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from mailwatch.core.text import printable
from mailwatch.doctor.account import READ, WRITE, group_name
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem, warning

_HIDDEN = ("/home", "/root", "/run/user")
"""What ProtectHome=yes hides (systemd.exec(5))."""


def examine(case: Case) -> Iterator[Finding]:
    """Give one finding on the socket."""
    path = Path(case.config.docker.socket)
    account, unit = case.account, case.unit
    shown, name = printable(str(path)), printable(account.name)
    if not account.exists:
        yield problem(
            f"The service is to run as user {name}, who does not exist.",
            "Install the package anew, or run `systemd-sysusers`.",
        )
        return
    try:
        allowed = account.may(path, READ | WRITE)
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield problem(
            f"There is no Docker socket at {shown}.",
            "Start Docker with `systemctl start docker`, or correct [restart] socket.",
        )
        return
    except OSError:
        allowed = None
    if allowed is None:
        yield warning(
            f"Whether user {name} may use {shown} cannot be seen from here.", "Run this as root."
        )
        return
    if not stat.S_ISSOCK(there.st_mode):
        yield problem(
            f"{shown} is not a socket.",
            "Correct [restart] socket, or remove what is there and restart Docker.",
        )
        return
    where = path.resolve()
    hidden = [tree for tree in _HIDDEN if where.is_relative_to(tree)]
    if hidden and unit is not None and unit["ProtectHome"] == "yes":
        yield problem(
            f"{shown} is below {hidden[0]}, which the unit hides from the service.",
            "Set ProtectHome=no in `systemctl edit mailwatch`, or use a socket elsewhere.",
        )
    elif allowed:
        yield ok(f"User {name} may use {shown}.")
    else:
        group = printable(group_name(there.st_gid))
        mode = stat.S_IMODE(there.st_mode)
        yield problem(
            f"User {name} may not use {shown} (group {group}, mode {mode:04o}).",
            _cure(case, name, group, mode),
        )


def _cure(case: Case, name: str, group: str, mode: int) -> str:
    if mode & 0o060 != 0o060 or group == "root":
        return (
            "Give the socket to group docker with mode 0660 (SocketGroup= and SocketMode= in "
            "docker.socket)."
        )
    if case.unit is None:
        return f"Run `usermod -aG {group} {name}`, and log in anew."
    return (
        f"Add the line SupplementaryGroups={group} below [Service] in `systemctl edit mailwatch`, "
        "then `systemctl restart mailwatch`."
    )
