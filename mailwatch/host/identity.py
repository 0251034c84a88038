"""Gives up the rights of root before anything is opened that another user can write."""

from __future__ import annotations

import json
import os
import pwd
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer of another user's process."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Another user than root, with the groups that it has (credentials(7))."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def owner_of(directory: Path) -> Identity | None:
    """Return whom `directory` belongs to, None where no right needs to be given up for that.

    That is so for whoever is not root, for what belongs to root, and for what is not there.
    """
    if os.geteuid() != 0:
        return None
    try:
        found = directory.stat()
    except OSError:
        return None
    return Identity(found.st_uid, found.st_gid, (found.st_gid,)) if found.st_uid else None


def user(name: str, groups: Iterable[int]) -> Identity | None:
    """Return the user `name` with `groups`; None as owner_of(), and where there is no such user."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if os.geteuid() != 0 or not entry.pw_uid:
        return None
    return Identity(entry.pw_uid, entry.pw_gid, tuple(sorted(groups)))


def become(identity: Identity | None) -> None:
    """Be `identity` from now on, for good; None changes nothing. Raises OSError.

    The kernel then lets no other process of that user look into this one (PR_SET_DUMPABLE in
    prctl(2)).
    """
    if identity is None:
        return
    os.setgroups(identity.groups)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)


def answer_of(
    identity: Identity | None, make: Callable[[], bytes], refusals: tuple[type[Exception], ...] = ()
) -> bytes:
    """Return what `make` returns, called in a process of its own that is `identity`.

    What the process says is from another user: hostile, and at most MOST_BYTES of it is taken.
    Without an identity `make` is called here. An exception of `refusals` is raised here with its
    text, and ChildProcessError where the process ends in any other way.
    """
    if identity is None:
        return make()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _answer(identity, make, refusals, theirs)
    os.close(theirs)
    try:
        with open(ours, "rb") as pipe:
            said = pipe.read(MOST_BYTES + 1)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if said[:1] == b"+" and len(said) <= MOST_BYTES:
        return said[1:]
    try:
        which, sentence = json.loads(said[1:])
        refusal = refusals[int(which)](str(sentence))
    except (ValueError, TypeError, LookupError, RecursionError):
        raise ChildProcessError(f"the process of user {identity.uid} gave no answer") from None
    raise refusal


def _answer(
    identity: Identity,
    make: Callable[[], bytes],
    refusals: tuple[type[Exception], ...],
    pipe: int,
) -> NoReturn:
    said = b""
    try:
        become(identity)
        os.chdir("/")
        said = b"+" + make()
    except refusals as error:
        which = next(i for i, kind in enumerate(refusals) if isinstance(error, kind))
        said = b"-" + json.dumps([which, str(error)]).encode("ascii")
    finally:
        with suppress(OSError), open(pipe, "wb") as file:
            file.write(said)
        # None of what this process was before is to be tidied up by its copy.
        os._exit(0)
