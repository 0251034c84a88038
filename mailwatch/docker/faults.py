"""Why the Docker engine could not be asked, and what that says of the container."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from mailwatch.core.evidence import NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition
from mailwatch.docker.words import said
from mailwatch.host.account import group_name, user_name
from mailwatch.host.limits import limit_of


class EngineFault(NotReadable):
    """The engine was not reached, or said no; `reason` says why, and what to do about it.

    `condition` is what an inspection reports then. `undecided` says that the request may have
    been carried out, or still be; `crossed` that somebody else is at work on the container.
    """

    def __init__(
        self, condition: Condition, reason: Fact, *, undecided: bool = False, crossed: bool = False
    ) -> None:
        super().__init__(reason, condition)
        self.condition = condition
        self.undecided = undecided
        self.crossed = crossed


def of_answer(status: int, words: str) -> EngineFault:
    """The engine answered `status` (>= 400) and `words` of its own."""
    told = said(words)
    if status in (401, 403):
        return EngineFault(Condition.DENIED, fact("engine-forbids", status=status, said=told))
    return EngineFault(
        Condition.UNREACHABLE,
        fact("engine-error", status=status, said=told),
        # The engine looked, then wanted to end what had ended by then.
        crossed=told.endswith("is not running"),
    )


def of_os_error(error: OSError, socket: str) -> EngineFault:
    """The connection to `socket` failed, or broke."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return EngineFault(Condition.DENIED, denied(socket, user_name(os.geteuid())))
    if limit := limit_of(error):
        return EngineFault(Condition.UNREACHABLE, fact("engine-not-asked", why=limit))
    code = {
        errno.ENOENT: "socket-absent",
        errno.ENOTDIR: "socket-absent",
        errno.ENAMETOOLONG: "socket-absent",
        errno.EAGAIN: "engine-stuck",
        errno.ECONNREFUSED: "socket-unheard" if _is_socket(socket) else "socket-no-socket",
    }.get(error.errno or 0)
    if code is not None:
        return EngineFault(Condition.UNREACHABLE, fact(code, socket=socket))
    detail = fact("engine-closed", socket=socket)
    if error.strerror:
        detail = fact("engine-connection", socket=socket, error=error.strerror)
    undecided = isinstance(error, ConnectionError)
    return EngineFault(Condition.UNREACHABLE, detail, undecided=undecided)


def stopped(socket: str) -> EngineFault:
    """Docker was stopped behind `socket`, and is left so."""
    return EngineFault(Condition.STOPPED, fact("engine-stopped", socket=socket), crossed=True)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return True


def denied(socket: str, user: str) -> Fact:
    """Return why `user` may not use the socket, and the cure."""
    path = Path(socket)
    try:
        there = path.stat()
    except OSError:
        return fact("socket-hidden", user=user, directory=str(path.parent))
    mode = stat.S_IMODE(there.st_mode)
    group = group_name(there.st_gid)
    code = "socket-needs-mode"
    if mode & 0o060 == 0o060 and there.st_gid != 0:
        # systemd looks a group up, even by its number: a unit with one it finds not fails (216).
        code = "socket-needs-name" if group == str(there.st_gid) else "socket-needs-group"
    return fact(
        code,
        user=user,
        socket=socket,
        owner=user_name(there.st_uid),
        group=group,
        mode=f"{mode:04o}",
    )
