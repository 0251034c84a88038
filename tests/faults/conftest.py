"""A disk that does as it is told, for programs that a test starts."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Disk:
    """The directory that is on it, and what a program needs in its environment to meet it."""

    directory: Path
    runtime: Path
    environ: dict[str, str]
    _fault: Path

    def becomes(self, fault: str) -> None:
        """Meet each write from now on with `fault`: well, hangs or eio."""
        new = self._fault.with_suffix(".new")
        new.write_text(fault)
        new.rename(self._fault)


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library that is preloaded."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (gcc) is here to build the faulty disk with")
    library = tmp_path_factory.mktemp("shim") / "disk.so"
    source = Path(__file__).with_name("disk.c")
    build = [
        compiler,
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-Werror",
        "-o",
        str(library),
        str(source),
        "-ldl",
    ]
    subprocess.run(build, check=True)
    return library


@pytest.fixture
def disk(shim: Path, tmp_path: Path) -> Disk:
    """Return one that is well."""
    directory, runtime = tmp_path / "state", tmp_path / "run"
    directory.mkdir()
    runtime.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "LD_PRELOAD": str(shim),
        "DISK_DIRECTORY": str(directory),
        "DISK_FAULT": str(tmp_path / "fault"),
        "RUNTIME_DIRECTORY": str(runtime),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    made = Disk(directory, runtime, environ, tmp_path / "fault")
    made.becomes("well")
    return made
