"""A container's own time to stop counts where it is longer than ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailwatch.core.judgement import restart_limit_s
from mailwatch.core.policy import Policy
from mailwatch.restarters.docker import DockerRestarter, Settings
from mailwatch.restarters.docker_doctor import own_times

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Request, Within


@pytest.mark.parametrize(
    ("own", "given_s"),
    [(60, 60), (5, 30), (None, 30), ("long", 30), (-1, 3600), (10**9, 3600)],
)
def test_the_longer_counts(engine: Engine, within: Within, own: object, given_s: int) -> None:
    """It is what the engine is asked for, and the deadline of the call grows with it."""
    assert engine.container is not None
    engine.container["Config"] = {"StopTimeout": own}
    restarter = DockerRestarter(Settings(socket=engine.path, stop_timeout_s=30))
    seen = restarter.inspect(within(30))
    limit_s = restart_limit_s(seen, Policy(restart_limit_s=90))
    assert limit_s == 90 + given_s - 30
    asked: list[str] = []

    def restart(request: Request) -> None:
        asked.extend(request.query["t"])
        engine.comes_up()
        request.reply(204)

    engine.script["restart"] = restart
    restarter.restart(within(limit_s), seen)
    assert asked == [str(given_s)]
    restarter.close()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"StopTimeout": 60}, ["60 s and stop_timeout_s is 30 s: the longer counts, 60 s"]),
        ({"StopTimeout": 5}, ["5 s and stop_timeout_s is 30 s: the longer counts, 30 s"]),
        ({"StopTimeout": -1}, ["has no end"]),
        ({"StopTimeout": 30}, []),
        ({"Healthcheck": {"StartPeriod": 600 * 10**9}}, ["the longer counts, 10 min"]),
        ({"Healthcheck": {"StartPeriod": 60 * 10**9}}, []),
        ({}, []),
    ],
)
def test_the_doctor_tells_where_they_differ(config: object, words: list[str]) -> None:
    """And which of the two is in force."""
    found = [one.sentence for one in own_times("mail", {"Config": config}, 30, 300.0)]
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True)), found
