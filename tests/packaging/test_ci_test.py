""".ci/test, which runs all tests: what it runs, leaves out and ends with, on a scripted tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SECOND_PART = "LEFT OUT: the end-to-end and packaging tests (tests/e2e, tests/packaging), because "


class Tree:
    """A tree whose pytest, tools and build are scripts of three lines."""

    def __init__(self, root: Path, script: str) -> None:
        self.root = root
        root.chmod(0o755)
        self.write(".ci/test", script)
        self.write(".ci/tools", "#!/bin/bash\n")
        self.write("packaging/build-deb.sh", "#!/bin/bash\necho /dist/a.deb\n")
        self.ends_with(unit=0, e2e=0)

    def write(self, name: str, text: str) -> None:
        """Write the program `name`."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def ends_with(self, unit: int, e2e: int) -> None:
        """Let the two parts end with these exit codes."""
        self.write(
            ".venv/bin/python",
            '#!/bin/bash\necho "PYTEST $* [$MAILWATCH_E2E $MAILWATCH_DEB]"\n'
            f'case "$*" in *"not e2e"*) exit {unit} ;; *) exit {e2e} ;; esac\n',
        )

    def test(self, *arguments: str, user: str = "", e2e: str = "") -> tuple[int, list[str], str]:
        """Run .ci/test, as `user` where one is given; return its code, calls of pytest, output."""
        drop = ["setpriv", "--reuid", user, "--clear-groups", "--"] if user else []
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
        if e2e:
            environment["MAILWATCH_E2E"] = e2e
        done = subprocess.run(
            [*drop, "bash", self.root / ".ci/test", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            cwd="/",
        )
        calls = [line for line in done.stdout.splitlines() if line.startswith("PYTEST")]
        return done.returncode, calls, done.stdout + done.stderr


@pytest.fixture
def tree(top: Path) -> Iterator[Tree]:
    """Return a scripted tree that every user can read."""
    # pytest's own temporary directories are closed to other users.
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Tree(Path(directory), (top / ".ci/test").read_text())


@pytest.fixture
def nobody() -> str:
    """Return the user to drop to: 65534 for root, nothing for one who is not root anyway."""
    return "65534" if os.geteuid() == 0 else ""


def test_without_root_the_second_part_is_left_out_and_that_is_said(tree: Tree, nobody: str) -> None:
    """The unit part runs, its exit code counts, and a line names what did not run and why."""
    code, calls, said = tree.test(user=nobody)
    assert code == 0
    assert len(calls) == 1
    assert "-m not e2e" in calls[0]
    assert f"{SECOND_PART}it needs root." in said
    tree.ends_with(unit=1, e2e=0)
    assert tree.test(user=nobody)[0] == 1


def test_require_without_root_fails_at_once(tree: Tree, nobody: str) -> None:
    """CI does not pass by leaving the second part out."""
    code, calls, said = tree.test(user=nobody, e2e="require")
    assert (code, calls) == (1, [])
    assert said == "The end-to-end and packaging tests cannot run: it needs root.\n"


def test_off_leaves_the_second_part_out(tree: Tree) -> None:
    """Whoever asks for the unit part alone gets it, and is told so."""
    code, calls, said = tree.test(e2e="off")
    assert (code, len(calls)) == (0, 1)
    assert f"{SECOND_PART}MAILWATCH_E2E=off asks for that." in said


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("unit", "e2e", "expected"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 2), (0, 5, 5), (5, 0, 5)]
)
def test_both_parts_run_and_either_can_fail_the_whole(
    unit: int, e2e: int, expected: int, tree: Tree
) -> None:
    """A unit failure does not hide the second part, and no test at all (5) is a failure."""
    tree.ends_with(unit, e2e)
    code, calls, _ = tree.test(e2e="require")
    assert code == expected
    assert ["-m not e2e" in call for call in calls] == [True, False]
    assert calls[1].endswith("[require /dist/a.deb]")


@pytest.mark.e2e
def test_chosen_tests_may_all_be_of_one_part(tree: Tree) -> None:
    """`make test ARGS=tests/core` is no failure because it chose no end-to-end test."""
    tree.ends_with(unit=0, e2e=5)
    code, calls, _ = tree.test("tests/core")
    assert code == 0
    assert all("tests/core" in call for call in calls)


@pytest.mark.e2e
def test_package_that_cannot_be_built_is_a_failure(tree: Tree) -> None:
    """What stands in the way of the second part is never taken for success."""
    tree.write("packaging/build-deb.sh", "#!/bin/bash\necho broken >&2\nexit 1\n")
    code, calls, said = tree.test()
    assert (code, len(calls)) == (1, 1)
    assert "broken" in said
    assert "could not be prepared" in said
