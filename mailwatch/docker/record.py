"""What a container's own record says about it: may it be restarted, or did somebody stop it?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.text import printable
from mailwatch.docker.words import said

Record = Mapping[str, object]

LONGEST_STOP_S = 3600

_ENDED_ON_REQUEST = frozenset({0, 130, 143})
"""Success, SIGINT and SIGTERM: how a program ends that was asked to."""


def condition_of(container: Record, *, ordered: bool | None) -> tuple[Condition, Fact]:
    """Return what an inspected container is doing, and what there is to say of it.

    `ordered` says whether the engine was told to end it (see `stop_cause`), None if the
    engine no longer knows; one that runs all the same is about to end. Whether an order was one
    of our own, a restart that got no further, is for the incident machine to say.
    """
    state = part(container, "State")
    status = text(state, "Status")
    name = text(container, "Name").removeprefix("/")
    match status:
        case "running" if ordered:
            return Condition.STARTING, fact("container-being-stopped", name=name)
        case "running":
            health = text(part(state, "Health"), "Status")
            if health == "starting":
                return Condition.STARTING, fact("container-health-starting", name=name)
            unhealthy = fact("container-unhealthy", name=name)
            return Condition.RUNNING, unhealthy if health == "unhealthy" else NOTHING
        case "restarting":
            restarts, code = number(container, "RestartCount"), number(state, "ExitCode")
            detail = fact("container-restarting", name=name, restarts=restarts, exit_code=code)
            return Condition.STARTING, detail
        case "paused":
            return Condition.PAUSED, fact("container-paused", name=name)
        case "created":
            if error := _error(state):
                return Condition.CRASHED, fact("container-start-failed", name=name, error=error)
            return Condition.STOPPED, fact("container-not-started", name=name)
        case "removing":
            return Condition.REMOVING, fact("container-being-removed", name=name)
        case "dead":
            return Condition.REMOVING, fact("container-half-removed", name=name)
        case "exited" | "stopped":
            return _ended(container, name, ordered=ordered)
    return (
        Condition.RUNNING if state.get("Running") is True else Condition.UNREACHABLE,
        fact("container-unknown-status", name=name, status=status or "nothing"),
    )


def _ended(container: Record, name: str, *, ordered: bool | None) -> tuple[Condition, Fact]:
    """Judge one that has ended: the first row that holds counts."""
    state = part(container, "State")
    code = number(state, "ExitCode")
    about = {"name": name, "ended_at": moment(text(state, "FinishedAt"))}
    policy = text(part(part(container, "HostConfig"), "RestartPolicy"), "Name")
    if error := _error(state):  # somebody wants it to run
        return Condition.CRASHED, fact("container-start-failed", name=name, error=error)
    if ordered:
        return Condition.STOPPED, fact("container-stopped", **about)
    if state.get("OOMKilled") is True and code not in _ENDED_ON_REQUEST:
        return Condition.OOM_KILLED, fact("container-out-of-memory", **about)
    if ordered is None and policy in ("always", "unless-stopped"):
        return Condition.STOPPED, fact("container-surely-stopped", **about)
    if ordered is None and code in _ENDED_ON_REQUEST:
        return Condition.ENDED, fact("container-ended", **about, exit_code=code)
    return Condition.CRASHED, fact("container-crashed", **about, exit_code=code)


def is_over(container: Record) -> bool:
    """Whether the engine says that the container has run and does so no more."""
    return text(part(container, "State"), "Status") in ("exited", "stopped")


def state_of(container: Record, condition: Condition, detail: Fact) -> TargetState:
    """Return what the record alone tells of the container."""
    state = part(container, "State")
    return TargetState(
        condition,
        detail,
        moment(text(state, "StartedAt")),
        moment(text(state, "FinishedAt")),
        printable(text(container, "Id")),
        record=container,
        starts_within_s=start_period_s(container),
    )


def start_period_s(container: Record) -> float:
    """Return the seconds in which its health check may fail after a start, 0 without one."""
    check = part(part(container, "Config"), "Healthcheck")
    return min(max(0, number(check, "StartPeriod")) / 1e9, 86_400.0)


def stop_timeout_s(container: Record) -> int:
    """Return the whole seconds that its own settings give it to end, 0 where they do not say.

    One that is never to be killed (a negative number) gets LONGEST_STOP_S, the most there is.
    """
    own_s = number(part(container, "Config"), "StopTimeout")
    return min(own_s, LONGEST_STOP_S) if own_s >= 0 else LONGEST_STOP_S


def moment(stamp: str) -> float | None:
    """Return an engine's time stamp in seconds since 1970, None for the year 1 and for nonsense.

    RFC 3339 with nine digits of a second; what never happened is in the year 1.
    """
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if when.year <= 1:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def part(record: Record, key: str) -> Record:
    """Return the object at `key`, empty where there is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def parts(record: Record, key: str) -> list[Record]:
    """Return the objects of the list at `key`, none where there is none."""
    value = record.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(record: Record, key: str) -> str:
    """Return the string at `key`, empty where there is none."""
    value = record.get(key)
    return value if isinstance(value, str) else ""


def number(record: Record, key: str) -> int:
    """Return the integer at `key`, 0 where there is none."""
    value = record.get(key)
    return value if isinstance(value, int) else 0


def _error(state: Record) -> str:
    """Return why the last start failed, empty if it did not."""
    return said(text(state, "Error"))
