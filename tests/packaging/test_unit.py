"""The unit: what an admin and the program rely on, and what systemd itself thinks of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

WORST_EXPOSURE = 1.5
"""Of systemd-analyze security on Debian 12; the scale ends at 10. The black box costs 0.3 of it."""


@pytest.fixture(scope="module")
def unit(top: Path) -> Path:
    """Return the unit file."""
    return top / "packaging/systemd/mailwatch.service"


def values(unit: Path, name: str) -> list[str]:
    """Return what the unit gives `name`, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def test_bad_configuration_is_the_one_end_that_lasts(unit: Path) -> None:
    """Whatever else ends the service, systemd starts it again for ever."""
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "RestartPreventExitStatus") == ["78"]


def test_docker_can_neither_stop_nor_start_the_watcher(unit: Path) -> None:
    """The unit is ordered after Docker, and bound to it by nothing."""
    assert values(unit, "After") == ["docker.service docker.socket network-online.target"]
    assert values(unit, "Wants") == ["network-online.target"]
    for name in ("Requires", "Requisite", "BindsTo", "PartOf"):
        assert values(unit, name) == []


def test_unit_knows_systemd_252(unit: Path) -> None:
    """Debian 12's systemd takes notify-reload for simple, and would not wait for READY."""
    assert values(unit, "Type") == ["notify"]


def test_a_reload_fails_where_the_configuration_has_mistakes(unit: Path) -> None:
    """systemd waits for a command that asks the service, and takes its exit code for the outcome.

    It asks through the control socket, which only root and the service's group may reach.
    """
    assert values(unit, "ExecReload") == ["/usr/bin/mailwatch reload"]
    assert values(unit, "RuntimeDirectory") == ["mailwatch"]
    assert values(unit, "RuntimeDirectoryMode") == ["0750"]


def test_right_to_docker_is_the_units_alone(unit: Path, top: Path) -> None:
    """The group is made where Docker did not make it, and the user is no member of it."""
    sysusers = (top / "packaging/systemd/mailwatch.sysusers").read_text()
    lines = [line for line in sysusers.splitlines() if line and not line.startswith("#")]
    assert values(unit, "SupplementaryGroups") == ["docker"]
    assert values(unit, "User") == ["mailwatch"]
    assert lines[0] == "g docker -"
    assert [line[0] for line in lines] == ["g", "u"]


def test_token_may_come_as_a_credential_and_need_not(unit: Path) -> None:
    """Named without a path, a missing credential does not keep the service from starting."""
    assert values(unit, "LoadCredential") == ["gotify-token"]


def test_black_box_may_read_what_every_user_may(unit: Path) -> None:
    """The host's numbers and the container's connections are not hidden, and nothing else is."""
    assert values(unit, "ProcSubset") == ["all"]
    assert values(unit, "ProtectProc") == ["default"]
    for name in ("ProtectControlGroups", "ProtectKernelTunables", "ProtectKernelLogs"):
        assert values(unit, name) == ["yes"]
    assert values(unit, "CapabilityBoundingSet") == [""]


@pytest.mark.e2e
def test_systemd_finds_no_fault(unit: Path, tool: Callable[[str], str], tmp_path: Path) -> None:
    """Every line of the unit is one that systemd knows."""
    # Only programs that are not installed here may be missed, so they are set to one that is.
    text = unit.read_text().replace("/usr/bin/mailwatch ", "/bin/true ")
    copy = tmp_path / "mailwatch.service"
    copy.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.e2e
def test_sandbox_is_as_tight_as_promised(unit: Path, tool: Callable[[str], str]) -> None:
    """The exposure that systemd computes stays where it was brought to."""
    done = subprocess.run(
        [
            tool("systemd-analyze"),
            "security",
            "--offline=true",
            f"--threshold={round(WORST_EXPOSURE * 10)}",
            "--no-pager",
            unit,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    score = re.search(r"exposure level for mailwatch.service: ([0-9.]+)", done.stdout)
    assert score is not None
    assert float(score[1]) <= WORST_EXPOSURE
