"""A case whose world the test lays out: what is not given is looked up for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailwatch.config.load import load
from mailwatch.doctor.case import Case

MakeCase = Callable[..., Case]


@pytest.fixture
def case(tmp_path: Path) -> MakeCase:
    """Return a maker of cases: `case({"watch.retries": "1"}, unit=None, readings=(...))`."""

    def make(flags: dict[str, str] | None = None, send: bool = False, **known: Any) -> Case:
        quick = {"watch.retries": "1", "watch.attempt_timeout_s": "5"}
        given = {"state.directory": str(tmp_path), **quick, **(flags or {})}
        made = Case(load(None, given, {}), send=send)
        for name, value in known.items():
            made.__dict__[name] = value  # where cached_property keeps what it has looked up
        return made

    return make
