"""The make targets: what a stranger types first, and what they say where something is missing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest


def run(
    *command: str | Path, path: str = "/usr/bin:/bin", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `command` with next to no environment."""
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={"PATH": path, "LC_ALL": "C.UTF-8", **environment},
    )  # fmt: skip


@pytest.fixture
def old_world(tmp_path: Path) -> str:
    """Return a PATH that holds bash, but only Pythons that are too old."""
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        (tmp_path / name).write_text("#!/bin/bash\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    return f"{tmp_path}:/bin"


def test_make_alone_explains_itself(top: Path) -> None:
    """Every target but help has its line, and nothing else happens."""
    done = run("make", "-C", top, "--no-print-directory")
    listed = re.findall(r"^make (\S+)", done.stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: help (.*)$", (top / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert listed == phony[1].split()
    assert done.stderr == ""


def test_find_python_passes_over_one_that_is_too_old(top: Path, old_world: str) -> None:
    """The python that is first on PATH may be too old, or not start at all."""
    done = run("bash", top / ".ci/find-python", path=f"{old_world}:/usr/bin")
    assert (done.returncode, done.stderr) == (0, "")
    found = done.stdout.strip()
    version = run(found, "-c", "import sys; print(sys.version_info >= (3, 11))", path=old_world)
    assert version.stdout == "True\n"


def test_find_python_says_what_is_missing(top: Path, old_world: str, tmp_path: Path) -> None:
    """Without a Python of 3.11 or newer there is one sentence, and no traceback."""
    script = (top / ".ci/find-python").read_text().replace("/usr/bin/python3", "python3")
    (tmp_path / "find").write_text(script)
    done = run("/bin/bash", tmp_path / "find", path=old_world)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("mailwatch needs Python 3.11 or newer and none was found: ")
    assert done.stderr.count("\n") == 1


def test_apt_says_what_to_install_where_there_is_none(top: Path, tmp_path: Path) -> None:
    """On a system without apt-get a missing package is one sentence."""
    for name in ("dirname", "grep", "dpkg-query"):
        (tmp_path / name).write_text("#!/bin/bash\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    done = run("/bin/bash", top / ".ci/apt", "no-such-package", path=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        "This needs Debian's packages no-such-package, and there is no apt-get here: "
        "use Debian or one of its descendants.\n"
    )


def test_test_refuses_a_switch_that_it_does_not_know(top: Path) -> None:
    """A misspelt MAILWATCH_E2E does not silently leave a part out."""
    done = run("bash", top / ".ci/test", MAILWATCH_E2E="yes")
    assert done.returncode == 2
    assert 'MAILWATCH_E2E is "yes": set it to require, auto or off.' in done.stderr


@pytest.mark.parametrize("script", ["apt", "find-python", "run", "test", "tools", "venv"])
def test_scripts_can_be_read_by_bash(script: str, top: Path) -> None:
    """No script of CI stumbles over its own syntax, and each can be called by its name."""
    path = top / ".ci" / script
    assert run("bash", "-n", path).returncode == 0
    assert path.stat().st_mode & 0o111
