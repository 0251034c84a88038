"""What the user of the service may do, found out by whoever examines it, root as a rule."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mailwatch.host.unit import Unit

READ, WRITE, ENTER = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Account:
    """A user with the groups that its processes have; `exists` is false for a name alone."""

    name: str
    uid: int
    groups: frozenset[int]
    exists: bool = True

    def may(self, path: Path, rights: int) -> bool | None:
        """Whether it has `rights` on `path` by its mode; None where we ourselves may not look.

        Raises FileNotFoundError. What a sandbox or an ACL changes about it is not known here.
        """
        if self.uid == 0:
            path.stat()
            return True
        try:
            there = path.resolve()
            enter = [(parent.stat(), ENTER) for parent in reversed(there.parents)]
            steps = [*enter, (there.stat(), rights)]
        except PermissionError:
            return None
        return all(self._allows(status, wanted) for status, wanted in steps)

    def _allows(self, status: os.stat_result, wanted: int) -> bool:
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid == self.uid:
            mode >>= 6
        elif status.st_gid in self.groups:
            mode >>= 3
        return mode & wanted == wanted


def service_account(unit: Unit | None) -> Account:
    """Return who the service runs as: the unit's user and groups, else whoever asks."""
    if unit is None:
        uid = os.geteuid()
        return Account(user_name(uid), uid, frozenset({os.getegid(), *os.getgroups()}))
    name = unit["User"] or "root"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return Account(name, -1, frozenset(), exists=False)
    groups = set(os.getgrouplist(name, entry.pw_gid))
    for group in unit["SupplementaryGroups"].split():
        with suppress(KeyError, OverflowError):
            found = grp.getgrgid(int(group)) if group.isdecimal() else grp.getgrnam(group)
            groups.add(found.gr_gid)
    return Account(name, entry.pw_uid, frozenset(groups))


def group_name(gid: int) -> str:
    """Return the name of a group, its number where it has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_name(uid: int) -> str:
    """Return the name of a user, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
