"""Why the Docker engine could not be asked, as a sentence that says what to do about it."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from mailwatch.core.model import Condition
from mailwatch.core.text import printable


class EngineFault(Exception):
    """The engine was not reached, or said no; `str()` of it is the sentence for a person.

    `condition` is what an inspection reports then. `undecided` says that the request may have
    been carried out, or still be.
    """

    def __init__(
        self,
        condition: Condition,
        sentence: str,
        *,
        undecided: bool = False,
        crossed: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.condition = condition
        self.undecided = undecided
        self.crossed = crossed


def no_sdk() -> EngineFault:
    """The SDK cannot be imported."""
    return EngineFault(
        Condition.UNREACHABLE,
        "Python's docker package is missing or broken, so the container cannot be looked at:"
        " install python3-docker.",
    )


def of_answer(status: int, words: str) -> EngineFault:
    """The engine answered `status` (>= 400) and `words` of its own."""
    said = printable(words.strip(), 300).rstrip(".")
    if status in (401, 403):
        return EngineFault(
            Condition.DENIED,
            f"The Docker engine forbids it ({status}: {said}): allow mailwatch to inspect and"
            " restart this container in the engine's authorisation plugin or socket proxy.",
        )
    return EngineFault(
        Condition.UNREACHABLE,
        f"The Docker engine answers with an error ({status}: {said}): see `journalctl -u docker`.",
        # The engine looked, then wanted to end what had ended by then.
        crossed=said.endswith("is not running"),
    )


def not_understood() -> EngineFault:
    """What answered does not speak the engine's API."""
    return EngineFault(
        Condition.UNREACHABLE,
        "What answers at the Docker socket cannot be understood: check that [restart] socket is"
        " that of a Docker engine, and see `journalctl -u docker`.",
        undecided=True,
    )


def too_slow(socket: str) -> EngineFault:
    """The engine took the request, and then the time ran out."""
    return EngineFault(
        Condition.UNREACHABLE,
        f"The Docker engine at {printable(socket)} does not answer in time: see"
        " `systemctl status docker` and `journalctl -u docker`.",
        undecided=True,
    )


def of_os_error(error: OSError, socket: str) -> EngineFault:
    """The connection to `socket` failed, or broke."""
    shown = printable(socket)
    if error.errno in (errno.EACCES, errno.EPERM):
        return EngineFault(Condition.DENIED, _denied(socket))
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return EngineFault(
            Condition.UNREACHABLE,
            f"There is no Docker socket at {shown}: start Docker with"
            " `systemctl start docker`, or correct [restart] socket.",
        )
    if error.errno == errno.EAGAIN:
        return EngineFault(
            Condition.UNREACHABLE,
            f"The Docker engine at {shown} takes no more connections, so it is stuck: see"
            " `systemctl status docker` and `journalctl -u docker`.",
        )
    if error.errno == errno.ECONNREFUSED and not _is_socket(socket):
        return EngineFault(
            Condition.UNREACHABLE,
            f"{shown} is not a socket: correct [restart] socket, or remove what is there and"
            " restart Docker (a container that mounts a missing socket leaves a directory).",
        )
    if error.errno == errno.ECONNREFUSED:
        return EngineFault(
            Condition.UNREACHABLE,
            f"Nothing listens on the Docker socket {shown}: start Docker with"
            " `systemctl start docker`.",
        )
    reason = printable(error.strerror or "it was closed without an answer")
    return EngineFault(
        Condition.UNREACHABLE,
        f"The connection to the Docker engine at {shown} failed ({reason}): see"
        " `systemctl status docker`.",
        undecided=isinstance(error, ConnectionError),
    )


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return True


def _denied(socket: str) -> str:
    me = _user(os.geteuid())
    path = Path(socket)
    try:
        there = path.stat()
    except OSError:
        return (
            f"User {me} may not look into {printable(str(path.parent))}, where the Docker socket"
            " should be: let that user search the directory, or correct [restart] socket."
        )
    group = _group(there.st_gid)
    mode = stat.S_IMODE(there.st_mode)
    what = (
        f"User {me} may not use the Docker socket {printable(socket)} (owner"
        f" {_user(there.st_uid)}, group {group}, mode {mode:04o}): "
    )
    if mode & 0o060 == 0o060 and there.st_gid != 0:
        return (
            f"{what}run `systemctl edit mailwatch`, add the lines [Service] and"
            f" SupplementaryGroups={group}, then `systemctl restart mailwatch`."
        )
    return (
        f"{what}give the socket to group docker with mode 0660 (SocketGroup= and SocketMode= in"
        " docker.socket), for the unit of mailwatch is in that group."
    )


def _user(number: int) -> str:
    try:
        return printable(pwd.getpwuid(number).pw_name)
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return printable(grp.getgrgid(number).gr_name)
    except KeyError:
        return str(number)
