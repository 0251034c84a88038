"""The package over its whole life on a host: install, upgrade, remove, purge."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.bed.host import Host
from tests.e2e.bed.wait import wait_until
from tests.e2e.bed.watcher import FILE, UNIT

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package with a higher version."""
    place = tmp_path_factory.mktemp("newer")
    _run("dpkg-deb", "-R", package, place / "tree")
    control = place / "tree" / "DEBIAN" / "control"
    version = _run("dpkg-deb", "-f", package, "Version").strip()
    control.write_text(control.read_text().replace(version, f"{version}+newer", 1))
    _run("dpkg-deb", "--root-owner-group", "-b", place / "tree", place / "mailwatch_newer.deb")
    return place / "mailwatch_newer.deb"


def test_an_installation_starts_nothing(fresh_host: Host, package: Path) -> None:
    """The service is there, disabled and stopped, and its file is for root and it alone."""
    fresh_host.install(package)
    assert fresh_host.show(UNIT, "UnitFileState") == "disabled"
    assert fresh_host.show(UNIT, "ActiveState") == "inactive"
    assert fresh_host.run(f"stat -c '%a %U:%G' {FILE}") == "640 root:mailwatch"
    assert fresh_host.run("mailwatch --version").endswith(
        _run("dpkg-deb", "-f", package, "Version").strip()
    )
    assert fresh_host.run("mailwatch config check")
    assert fresh_host.run("systemctl is-system-running") == "running"


def test_the_user_has_no_right_to_docker_of_its_own(fresh_host: Host, package: Path) -> None:
    """Docker's group is the service's, by the unit; the user has no shell and no other group."""
    fresh_host.install(package)
    assert fresh_host.run("id -Gn mailwatch") == "mailwatch"
    assert fresh_host.run("getent passwd mailwatch").endswith("/nologin")


def test_a_host_without_docker_can_install_and_start_it(fresh_host: Host, package: Path) -> None:
    """Docker may come later: the group is made, the service starts, and it says what is missing."""
    fresh_host.run("apt-get -y -q purge docker.io containerd runc && (groupdel docker || true)")
    fresh_host.run("systemctl daemon-reload")
    fresh_host.install(package)
    fresh_host.run(f"systemctl enable --now {UNIT}")
    assert fresh_host.show(UNIT, "ActiveState") == "active"


def test_an_upgrade_restarts_what_ran_and_keeps_the_file(
    fresh_host: Host, package: Path, newer: Path
) -> None:
    """A running service runs the new program after the upgrade, with the admin's own file."""
    fresh_host.install(package)
    edited = "[watch]\ninterval_s = 3600 # mine\n"
    fresh_host.write(FILE, edited)
    fresh_host.run(f"systemctl enable --now {UNIT}")
    before = fresh_host.show(UNIT, "MainPID")
    fresh_host.install(newer)
    assert fresh_host.show(UNIT, "ActiveState") == "active"
    assert fresh_host.show(UNIT, "MainPID") != before
    assert fresh_host.show(UNIT, "UnitFileState") == "enabled"
    assert fresh_host.read(FILE) == edited
    assert fresh_host.run(f"stat -c '%a %U:%G' {FILE}") == "640 root:mailwatch"
    assert fresh_host.run("dpkg-query -W -f '${Version}' mailwatch").endswith("+newer")


def test_an_upgrade_starts_nothing_that_did_not_run(
    fresh_host: Host, package: Path, newer: Path
) -> None:
    """A service that the admin had not started stays stopped and disabled."""
    fresh_host.install(package)
    fresh_host.install(newer)
    assert fresh_host.show(UNIT, "ActiveState") == "inactive"
    assert fresh_host.show(UNIT, "UnitFileState") == "disabled"


def test_removal_stops_and_keeps_and_purge_forgets(fresh_host: Host, package: Path) -> None:
    """Removal ends the service and keeps file and memory; purge removes both, and no unit fails."""
    fresh_host.install(package)
    fresh_host.run(f"systemctl enable --now {UNIT}")
    fresh_host.run("touch /var/lib/mailwatch/memory")
    fresh_host.run("apt-get -y -q remove mailwatch")
    wait_until(lambda: fresh_host.show(UNIT, "ActiveState") == "inactive", 10, "its end")
    assert fresh_host.try_run("pgrep -u mailwatch") == (1, "")
    assert (fresh_host.root / FILE.lstrip("/")).exists()
    assert (fresh_host.root / "var/lib/mailwatch/memory").exists()
    fresh_host.run("apt-get -y -q purge mailwatch")
    left = fresh_host.run(
        "find / -xdev -name '*mailwatch*' -not -path '/proc/*' -not -path '/root/*'"
        " -not -path '/var/cache/*' -not -path '/var/log/*'"
    )
    assert left == ""
    fresh_host.run("systemctl daemon-reload; systemctl reset-failed")
    assert fresh_host.run("systemctl is-system-running") == "running"


def test_installed_again_after_a_removal_it_is_as_before(fresh_host: Host, package: Path) -> None:
    """Remove and install bring back the admin's file and memory."""
    fresh_host.install(package)
    fresh_host.write(FILE, "[watch]\nretries = 7\n")
    fresh_host.run("apt-get -y -q remove mailwatch")
    fresh_host.install(package)
    assert "retries = 7" in fresh_host.read(FILE)
    assert fresh_host.show(UNIT, "ActiveState") == "inactive"


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
