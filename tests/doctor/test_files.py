from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.core.diagnosis import Grade
from mailwatch.doctor import files, services
from mailwatch.doctor.case import Case
from mailwatch.host.account import Account
from mailwatch.host.unit import Unit
from mailwatch.probes import postqueue

MakeCase = Callable[..., Case]
UNIT = Unit({"User": "mailwatch", "PrivateTmp": "yes", "ProtectHome": "yes"})
STRANGER = Account("mailwatch", 65533, frozenset({65533}))
ROOT = Account("root", 0, frozenset({0}))


@pytest.fixture
def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Account], Case]:
    """Return a maker of cases whose file names a password file, both the root user's alone."""
    monkeypatch.setattr(files, "_HIDDEN", {})
    password, config = tmp_path / "password", tmp_path / "mailwatch.toml"
    password.write_text("secret\n")
    config.write_text(
        f'[[services]]\nname = "IMAPS"\nport = 993\nuser = "a"\npassword_file = "{password}"\n'
    )
    for path in (password, config):
        path.chmod(0o600)

    def make(account: Account) -> Case:
        case = Case(load(config, {}, {}))
        case.__dict__.update(unit=UNIT, account=account)
        return case

    return make


def test_a_file_that_only_root_may_read_keeps_the_service_down(
    examined: Callable[[Account], Case], tmp_path: Path
) -> None:
    """Root reads a password of mode 0600 without noticing; the service ends with 78."""
    findings = list(files.examine(examined(STRANGER)))
    assert [one.grade for one in findings] == [Grade.PROBLEM] * 2
    assert f"{tmp_path}/mailwatch.toml" in findings[0].sentence
    assert f"{tmp_path}/password" in findings[1].sentence
    assert f"chgrp mailwatch {tmp_path}/password" in findings[1].cure


def test_files_that_the_service_may_read_are_fine(examined: Callable[[Account], Case]) -> None:
    """There is one finding for all of them."""
    (finding,) = files.examine(examined(ROOT))
    assert finding.grade is Grade.OK


@pytest.mark.parametrize("switch", ["PrivateTmp", "ProtectHome"])
def test_a_file_that_the_sandbox_hides_is_found(
    switch: str,
    examined: Callable[[Account], Case],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What is below /root or /tmp is there for the admin alone."""
    monkeypatch.setattr(files, "_HIDDEN", {switch: (str(tmp_path),)})
    findings = list(files.examine(examined(ROOT)))
    assert [one.grade for one in findings] == [Grade.PROBLEM] * 2
    assert f"({switch}=yes)" in findings[0].sentence


@pytest.mark.parametrize(("account", "told"), [(STRANGER, True), (ROOT, False)])
def test_a_queue_that_only_root_may_ask_for_is_found(
    account: Account,
    told: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """postqueue works for root; the service needs the group of Postfix's socket."""
    showq = tmp_path / "showq"
    showq.touch(0o600)
    monkeypatch.setattr(postqueue, "SHOWQ", showq)
    config = tmp_path / "mailwatch.toml"
    config.write_text('[[services]]\nname = "Queue"\nprobe = "postqueue"\n')
    one = Case(load(config, {}, {}))
    one.__dict__.update(unit=UNIT, account=account)
    found = [finding.cure for finding in services.examine_probes(one)]
    assert any("SupplementaryGroups=postdrop" in cure for cure in found) is told


def test_without_the_unit_there_is_nothing_to_compare(case: MakeCase) -> None:
    """Who asks is then who runs it."""
    assert not list(files.examine(case(unit=None)))
