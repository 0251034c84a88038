"""The toys in their catalogues, a configuration with a key of each, and the manual's generator."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.toys import installed

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def toys() -> Iterator[None]:
    """Have every toy in its catalogue."""
    with installed():
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration that uses every toy."""
    (tmp_path / "spring").write_text("up")
    (tmp_path / "word").write_text("sesame\n")
    (tmp_path / "word").chmod(0o600)
    path = tmp_path / "mailwatch.toml"
    path.write_text(
        f"""
[watch]
interval_s = 0.2
retries = 1
[restart]
kind = "toy"
spring = "{tmp_path}/spring"
settle_s = 0
verify_every_s = 0.2
[evidence]
toy_weather = "rain"
toy_moons = 2
[state]
directory = "{tmp_path}"
[[notifiers]]
name = "wall"
type = "toy"
word_file = "{tmp_path}/word"
board = "{tmp_path}/board"
[[services]]
name = "TOY"
port = 4242
toy_file = "{tmp_path}/spring"
"""
    )
    return path


@pytest.fixture
def reference() -> ModuleType:
    """Return the script that writes the manual and the sample."""
    path = TOP / "packaging/man/reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
