"""A container's own time to start counts where it is longer than ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailwatch.core.judgement import start_grace_s
from mailwatch.core.policy import Policy

if TYPE_CHECKING:
    from mailwatch.restarters.docker import DockerRestarter
    from tests.restarters.conftest import Engine, Within


@pytest.mark.parametrize(
    ("check", "grace_s"),
    [
        ({"StartPeriod": 120 * 10**9}, 120),
        ({"StartPeriod": 10 * 10**9}, 60),
        ({"StartPeriod": -1}, 60),
        ({"StartPeriod": "long"}, 60),
        ({}, 60),
        (None, 60),
    ],
)
def test_the_longer_counts(
    engine: Engine, restarter: DockerRestarter, within: Within, check: object, grace_s: float
) -> None:
    """The start_period of its health check, or our start_grace_s."""
    assert engine.container is not None
    engine.container["Config"] = {"Healthcheck": check}
    seen = restarter.inspect(within(30))
    assert start_grace_s(seen, Policy(start_grace_s=60)) == grace_s
