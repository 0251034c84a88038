"""What another user may do, held against what the kernel says."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from mailwatch.host.account import ENTER, READ, WRITE, Account, service_account
from mailwatch.host.unit import Unit

NOBODY = 65534
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


@pytest.fixture
def open_directory(tmp_path: Path) -> Path:
    """A directory that others can reach, as pytest's own are not."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o055)
    return tmp_path


@ROOT
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660, 0o666, 0o604, 0o606, 0o066, 0o006])
@pytest.mark.parametrize("owner", [0, 1, NOBODY])
@pytest.mark.parametrize("group", [0, 1, NOBODY])
def test_the_kernel_agrees(mode: int, owner: int, group: int, open_directory: Path) -> None:
    """For every owner and group a process of that user finds what was foretold."""
    path = open_directory / "file"
    path.touch()
    path.chmod(mode)
    os.chown(path, owner, group)
    account = Account("nobody", NOBODY, frozenset({NOBODY}))
    for rights, flag in ((READ, "-r"), (WRITE, "-w")):
        done = subprocess.run(["test", flag, str(path)], user=NOBODY, group=NOBODY, extra_groups=[])
        assert account.may(path, rights) is (done.returncode == 0)


def test_a_closed_directory_on_the_way_closes_what_is_in_it(open_directory: Path) -> None:
    """A socket of mode 0666 is no use behind a directory that may not be entered."""
    closed = open_directory / "closed"
    closed.mkdir()
    path = closed / "file"
    path.touch()
    path.chmod(0o666)
    closed.chmod(0o700)
    account = Account("somebody", NOBODY - 1, frozenset())
    assert account.may(path, READ) is False
    closed.chmod(0o711)
    assert account.may(path, READ) is True
    assert account.may(closed, READ | WRITE | ENTER) is False


def test_root_may_do_anything_with_what_is_there(tmp_path: Path) -> None:
    """But what is not there is told as such."""
    root = Account("root", 0, frozenset({0}))
    assert root.may(tmp_path, READ | WRITE) is True
    with pytest.raises(FileNotFoundError):
        root.may(tmp_path / "absent", READ)


def test_the_account_is_that_of_the_unit() -> None:
    """With the groups that the unit adds, by name or number; one that is unknown is passed over."""
    name = pwd.getpwuid(NOBODY).pw_name
    groups = "0 no-such-group 99999999999"
    account = service_account(Unit({"User": name, "SupplementaryGroups": groups}))
    assert (account.name, account.uid) == (name, NOBODY)
    assert 0 in account.groups


def test_a_user_who_does_not_exist_is_told_apart() -> None:
    """As after a package that was removed in part."""
    account = service_account(Unit({"User": "no-such-user"}))
    assert not account.exists


def test_without_a_unit_it_is_whoever_asks() -> None:
    """Then mailwatch is run by hand."""
    assert service_account(None).uid == os.geteuid()
