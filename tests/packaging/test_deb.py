"""The package: what is in it, who may read it, what it needs, and that it can be built again."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwatch import __version__


def run(*command: str | Path, **environment: str) -> str:
    """Return what `command` prints, and fail with its words when it fails."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_changelog_is_of_this_version(top: Path) -> None:
    """The package's version is the program's."""
    first = (top / "packaging/debian/changelog").read_text().partition("\n")[0]
    assert first == f"mailwatch ({__version__}) unstable; urgency=medium"


def test_depends_on_what_the_program_does(top: Path) -> None:
    """The libraries of pyproject.toml and their oldest versions are those of the package."""
    control = (top / "packaging/debian/control").read_text()
    depends = control.partition("\nDepends:\n")[2].partition("\nRecommends")[0]
    libraries = re.findall(r"^ python3-([a-z-]+) \(>= ([0-9.]+)\),$", depends, re.MULTILINE)
    project = tomllib.loads((top / "pyproject.toml").read_text())["project"]
    assert [f"{name}>={version}" for name, version in libraries] == project["dependencies"]


@pytest.fixture(scope="module")
def entries(deb: Path) -> dict[str, str]:
    """Return the package's files with mode and owner: path -> `-rw-r--r-- root/root`."""
    found = {}
    for line in run("dpkg-deb", "-c", deb).splitlines():
        mode, owner, _size, _day, _time, path = line.split(maxsplit=5)
        found[path.removeprefix(".")] = f"{mode} {owner}"
    return found


@pytest.mark.e2e
def test_files_are_where_an_admin_looks(entries: dict[str, str]) -> None:
    """Program, unit, configuration, user and manual are at their places, with safe modes."""
    ours = "-rw-r--r-- root/root"
    wanted = {
        "/usr/bin/mailwatch": "-rwxr-xr-x root/root",
        "/etc/mailwatch.toml": "-rw-r----- root/root",
        "/lib/systemd/system/mailwatch.service": ours,
        "/usr/lib/sysusers.d/mailwatch.conf": ours,
        "/usr/share/man/man1/mailwatch.1.gz": ours,
        "/usr/share/man/man5/mailwatch.toml.5.gz": ours,
        "/usr/lib/python3/dist-packages/mailwatch/__init__.py": ours,
    }
    assert {path: entries.get(path) for path in wanted} == wanted


@pytest.mark.e2e
def test_nobody_else_may_write_or_gain_rights(entries: dict[str, str]) -> None:
    """Every file is root's, writable by root alone, and none is setuid."""
    for path, entry in entries.items():
        assert re.fullmatch(r"[-d]rw[-x]r-[-x](r-[-x]|---) root/root", entry), (path, entry)


@pytest.mark.e2e
def test_every_module_is_in_the_package(entries: dict[str, str], top: Path) -> None:
    """No module is forgotten, and nothing of the tests or of a build is carried along."""
    prefix = "/usr/lib/python3/dist-packages/"
    packed = {path for path in entries if path.startswith(f"{prefix}mailwatch/")}
    modules = {f"{prefix}{path.relative_to(top)}" for path in (top / "mailwatch").rglob("*.py")}
    assert {path for path in packed if not path.endswith("/")} == modules


@pytest.mark.e2e
def test_configuration_is_a_conffile_as_it_is_in_the_tree(
    deb: Path, top: Path, tmp_path: Path
) -> None:
    """dpkg asks before it replaces what an admin has edited."""
    run("dpkg-deb", "-R", deb, tmp_path / "x")
    assert (tmp_path / "x/DEBIAN/conffiles").read_text().split() == ["/etc/mailwatch.toml"]
    installed = (tmp_path / "x/etc/mailwatch.toml").read_bytes()
    assert installed == (top / "config/mailwatch.toml").read_bytes()


@pytest.mark.e2e
def test_needs_only_what_debian_12_has(deb: Path) -> None:
    """The oldest versions that are asked for are those of Debian 12."""
    depends = run("dpkg-deb", "-f", deb, "Depends").strip().split(", ")
    assert set(depends) >= {
        "python3-docker (>= 5.0.3)",
        "python3-sdnotify (>= 0.3.1)",
        "python3-tomli-w (>= 1.0.0)",
    }
    assert run("dpkg-deb", "-f", deb, "Architecture").strip() == "all"


@pytest.mark.e2e
def test_lintian_has_nothing_to_say(deb: Path, tool: Callable[[str], str]) -> None:
    """No error, no warning, no hint, not even a pedantic one, and no override without its use."""
    said = run(
        tool("lintian"), "--info", "--display-info", "--pedantic", "--allow-root", deb
    )  # fmt: skip
    assert said.replace("N: masked by screen python/egg/metadata\n", "").strip() == ""


def copy_tree(top: Path, tree: Path, *, mode: int, moment: int) -> None:
    """Copy what git knows or would add to `tree`, with these modes and times."""
    know = ("git", "-c", f"safe.directory={top}", "-C", top)
    for name in run(*know, "ls-files", "-z", "-co", "--exclude-standard").split("\0"):
        source = top / name
        if source.is_file():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(mode | 0o100 if os.access(source, os.X_OK) else mode)
            os.utime(target, (moment, moment))


@pytest.mark.e2e
def test_built_elsewhere_it_is_the_same_bit_for_bit(
    top: Path, tool: Callable[[str], str], tmp_path: Path
) -> None:
    """Neither directory, hour, umask, zone, locale nor a checkout's modes leave a trace."""
    tool("dpkg-buildpackage")
    one, other = tmp_path / "checkout", tmp_path / "an unpacked tarball"
    copy_tree(top, one, mode=0o644, moment=1_800_000_000)
    run("git", "-C", one, "init", "--quiet")
    copy_tree(one, other, mode=0o600, moment=1_000_000_000)
    build = 'umask "$2"; exec "$0/packaging/build-deb.sh" "$1"'
    run("bash", "-c", build, one, one / "dist", "022", TZ="UTC")
    run("bash", "-c", build, other, other / "dist", "077", TZ="Asia/Kolkata", HOME=str(tmp_path))
    packages = [*one.glob("dist/*.deb"), *other.glob("dist/*.deb")]
    assert packages[0].name == packages[1].name
    contents = [run("dpkg-deb", "-c", package) for package in packages]
    assert contents[0] == contents[1]
    digests = [hashlib.sha256(package.read_bytes()).hexdigest() for package in packages]
    assert digests[0] == digests[1]
