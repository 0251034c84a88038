"""Why the Docker engine could not be asked, and what that says of the container."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition
from mailwatch.core.say import say


class EngineFault(Exception):
    """The engine was not reached, or said no; `detail` says why, and what to do about it.

    `condition` is what an inspection reports then. `undecided` says that the request may have
    been carried out, or still be; `crossed` that somebody else is at work on the container.
    """

    def __init__(
        self,
        condition: Condition,
        detail: Fact,
        *,
        undecided: bool = False,
        crossed: bool = False,
    ) -> None:
        super().__init__(say(detail))
        self.condition = condition
        self.detail = detail
        self.undecided = undecided
        self.crossed = crossed


def no_sdk() -> EngineFault:
    """The SDK cannot be imported."""
    return EngineFault(Condition.UNREACHABLE, fact("no-sdk"))


def of_answer(status: int, words: str) -> EngineFault:
    """The engine answered `status` (>= 400) and `words` of its own."""
    said = words.strip().rstrip(".")
    if status in (401, 403):
        return EngineFault(Condition.DENIED, fact("engine-forbids", status=status, said=said))
    return EngineFault(
        Condition.UNREACHABLE,
        fact("engine-error", status=status, said=said),
        # The engine looked, then wanted to end what had ended by then.
        crossed=said.endswith("is not running"),
    )


def not_understood() -> EngineFault:
    """What answered does not speak the engine's API."""
    return EngineFault(Condition.UNREACHABLE, fact("engine-not-understood"), undecided=True)


def too_slow(socket: str) -> EngineFault:
    """The engine took the request, and then the time ran out."""
    detail = fact("engine-too-slow", socket=socket)
    return EngineFault(Condition.UNREACHABLE, detail, undecided=True)


def of_os_error(error: OSError, socket: str) -> EngineFault:
    """The connection to `socket` failed, or broke."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return EngineFault(Condition.DENIED, _denied(socket))
    code = {
        errno.ENOENT: "socket-absent",
        errno.ENOTDIR: "socket-absent",
        errno.ENAMETOOLONG: "socket-absent",
        errno.EAGAIN: "engine-stuck",
        errno.ECONNREFUSED: "socket-unheard" if _is_socket(socket) else "socket-no-socket",
    }.get(error.errno or 0)
    if code is not None:
        return EngineFault(Condition.UNREACHABLE, fact(code, socket=socket))
    detail = (
        fact("engine-connection", socket=socket, error=error.strerror)
        if error.strerror
        else fact("engine-closed", socket=socket)
    )
    undecided = isinstance(error, ConnectionError)
    return EngineFault(Condition.UNREACHABLE, detail, undecided=undecided)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return True


def _denied(socket: str) -> Fact:
    user, path = _user(os.geteuid()), Path(socket)
    try:
        there = path.stat()
    except OSError:
        return fact("socket-hidden", user=user, directory=str(path.parent))
    mode = stat.S_IMODE(there.st_mode)
    belongs_to_a_group = mode & 0o060 == 0o060 and there.st_gid != 0
    return fact(
        "socket-needs-group" if belongs_to_a_group else "socket-needs-mode",
        user=user,
        socket=socket,
        owner=_user(there.st_uid),
        group=_group(there.st_gid),
        mode=f"{mode:04o}",
    )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
