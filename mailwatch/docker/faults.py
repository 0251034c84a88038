"""Why the Docker engine could not be asked, and what that says of the container."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from mailwatch.core.facts import Fact, fact
from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.core.text import printable


@dataclass(eq=False)
class EngineFault(Exception):
    """The engine was not reached, or said no; `detail` says why, and what to do about it.

    `condition` is what an inspection reports then. `undecided` says that the request may have
    been carried out, or still be; `crossed` that somebody else is at work on the container.
    """

    condition: Condition
    detail: Fact
    _: KW_ONLY
    undecided: bool = False
    crossed: bool = False

    def __str__(self) -> str:
        return say(self.detail)


def of_answer(status: int, words: str) -> EngineFault:
    """The engine answered `status` (>= 400) and `words` of its own."""
    said = printable(words.strip(), 300).rstrip(".")
    if status in (401, 403):
        return EngineFault(Condition.DENIED, fact("engine-forbids", status=status, said=said))
    return EngineFault(
        Condition.UNREACHABLE,
        fact("engine-error", status=status, said=said),
        # The engine looked, then wanted to end what had ended by then.
        crossed=said.endswith("is not running"),
    )


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
    detail = fact("engine-closed", socket=socket)
    if error.strerror:
        detail = fact("engine-connection", socket=socket, error=error.strerror)
    undecided = isinstance(error, ConnectionError)
    return EngineFault(Condition.UNREACHABLE, detail, undecided=undecided)


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return True


def _denied(socket: str) -> Fact:
    user, path = _name(pwd.getpwuid, os.geteuid()), Path(socket)
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
        owner=_name(pwd.getpwuid, there.st_uid),
        group=_name(grp.getgrgid, there.st_gid),
        mode=f"{mode:04o}",
    )


def _name(entry_of: Callable[[int], Sequence[object]], number: int) -> str:
    """Return the name in an entry of passwd(5) or group(5), the number itself without one."""
    try:
        return str(entry_of(number)[0])
    except KeyError:
        return str(number)
