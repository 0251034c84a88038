"""The look that costs no SDK: what it says of containers and of engines that are unwell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mailwatch.core.model import Condition
from mailwatch.docker.glance import LONGEST_ANSWER
from mailwatch.restarters.docker import DockerRestarter, Settings

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Request, Within


def test_it_says_what_an_inspection_says(
    engine: Engine, restarter: DockerRestarter, within: Within
) -> None:
    """A container that runs, and one that is gone, are seen as the SDK would show them."""
    assert restarter.glance(within(30)).condition is Condition.RUNNING
    engine.container = None
    assert restarter.glance(within(30)).condition is Condition.MISSING


@pytest.mark.parametrize(
    ("answers", "condition"),
    [
        (lambda request: request.hang(), Condition.UNREACHABLE),
        (lambda request: request.drip(), Condition.UNREACHABLE),
        (lambda request: request.drop(), Condition.UNREACHABLE),
        (lambda request: request.reply(403, {"message": "no"}), Condition.DENIED),
        (lambda request: request.reply(500, {"message": "no"}), Condition.UNREACHABLE),
        (lambda request: request.reply(200, ["no"]), Condition.UNREACHABLE),
        (lambda request: request.reply_raw(200, b"["), Condition.UNREACHABLE),
        (lambda request: request.reply_raw(200, b"[" * LONGEST_ANSWER), Condition.UNREACHABLE),
        (lambda request: request.reply_raw(200, b" " * 2 * LONGEST_ANSWER), Condition.UNREACHABLE),
        (lambda request: request.reply(200, {"Name": "/other"}), Condition.MISSING),
    ],
)
def test_an_engine_that_is_unwell(
    engine: Engine,
    restarter: DockerRestarter,
    within: Within,
    answers: Callable[[Request], None],
    condition: Condition,
) -> None:
    """It never raises, and ends with its deadline."""
    engine.script["json"] = answers
    assert restarter.glance(within(2)).condition is condition


def test_no_engine(within: Within) -> None:
    """Without a socket nothing can be restarted."""
    restarter = DockerRestarter(Settings(socket="/nonexistent/docker.sock"))
    assert restarter.glance(within(30)).condition is Condition.UNREACHABLE


def test_it_loads_no_sdk(engine: Engine) -> None:
    """A service that is well does without the memory of the SDK."""
    code = (
        "import sys, time\n"
        "from mailwatch.core.deadline import Deadline\n"
        "from mailwatch.restarters.docker import DockerRestarter, Settings\n"
        f"made = DockerRestarter(Settings(socket={engine.path!r}))\n"
        "print(made.glance(Deadline.after(60, time.monotonic)).condition)\n"
        "print({'docker', 'requests', 'urllib3'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["running", "set()"]
