"""Whether the container that is to be restarted is there, by that name, and runs."""

from __future__ import annotations

from collections.abc import Iterator

from mailwatch.core.model import Condition
from mailwatch.core.say import say
from mailwatch.docker.faults import EngineFault
from mailwatch.doctor.case import Case
from mailwatch.doctor.finding import Finding, ok, problem, warning

_LEFT_ALONE = frozenset({Condition.STOPPED, Condition.PAUSED, Condition.REMOVING})
_NOT_KNOWN = frozenset({Condition.DENIED, Condition.UNREACHABLE})


def examine(case: Case) -> Iterator[Finding]:
    """Give one finding on the container."""
    if isinstance(case.engine, EngineFault):
        return  # which the check of the engine has told
    name = case.config.docker.container
    target = case.target
    if target.condition in _NOT_KNOWN:
        yield problem(f"The state of container {name} is not known. {say(target.detail)}")
    elif target.condition is Condition.MISSING:
        yield problem(say(target.detail))
    elif target.condition in _LEFT_ALONE:
        yield warning(f"{say(target.detail)} mailwatch leaves it alone until it runs.")
    elif target.condition is Condition.RUNNING and not say(target.detail):
        yield ok(f"Container {name} runs.")
    else:
        yield warning(
            say(target.detail) or f"Container {name} is {target.condition}.",
            f"See `docker ps -a` and `docker logs --tail 50 {name}`.",
        )
