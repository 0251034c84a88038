"""What the tests of the package share: the tree, and one .deb that is built once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def top() -> Path:
    """Return the root of the source tree."""
    return TOP


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """Return a finder of programs, which skips the test, or fails it where it must run."""

    def find(name: str) -> str:
        path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        if path is None:
            wish = f"{name} is missing here"
            if os.environ.get("MAILWATCH_E2E") == "require":
                pytest.fail(wish)
            pytest.skip(wish)
        return path

    return find


@pytest.fixture(scope="session")
def deb(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package: the one that `make test` has just built, or one built now."""
    if os.environ.get("MAILWATCH_E2E") == "off":
        pytest.skip("MAILWATCH_E2E=off asks for that")
    if built := os.environ.get("MAILWATCH_DEB"):
        return Path(built)
    tool("dpkg-buildpackage")
    out = tmp_path_factory.mktemp("deb")
    subprocess.run([TOP / "packaging/build-deb.sh", out], check=True, stdout=subprocess.PIPE)
    (package,) = out.glob("*.deb")
    return package
