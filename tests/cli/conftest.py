"""The configuration of a test: what it keeps is in the test's own directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Return a maker of configuration files: `configure('[gotify]\\nurl = "..."\\n')`."""

    def make(tables: str) -> Path:
        path = tmp_path / "mailwatch.toml"
        path.write_text(f'{tables}[state]\ndirectory = "{tmp_path}"\n[watch]\nretries = 1\n')
        return path

    return make
