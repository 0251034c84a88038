"""What a container's own record says about it: may it be restarted, or did somebody stop it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mailwatch.core.model import Condition
from mailwatch.core.text import printable

Record = Mapping[str, object]

_HARMLESS_SIGNALS = frozenset({"1", "10", "12", "17", "18", "19", "20", "23", "28"})
"""HUP, USR1, USR2, CHLD, CONT, STOP, TSTP, URG, WINCH: sent to be heard, not to end anything."""

_ENDED_ON_REQUEST = frozenset({0, 130, 143})
"""Success, SIGINT and SIGTERM: how a program ends that was asked to."""

_RESTARTS_BY_ITSELF = frozenset({"always", "unless-stopped"})


def condition_of(
    container: Record, *, ordered: bool | None, left_stopped: bool = False
) -> tuple[Condition, str]:
    """Return what an inspected container is doing, and a sentence about it or nothing.

    `ordered` says whether the engine was told to end it (see `stop_ordered`), None if the
    engine no longer knows; one that runs all the same is about to end. `left_stopped` says that
    a restart of our own stopped it and did not start it again. The rows for an ended container,
    the first that holds:

    1. our own restart left it so: crashed; nobody wanted that
    2. its last start failed (`State.Error`): crashed; somebody wants it to run (this holds
       also for one that was created and never ran)
    3. the engine was told to end it: stopped
    4. the engine killed it for memory, and it did not end in peace: OOM-killed
    5. the engine forgot how it ended, but would have restarted it if nobody had stopped it
       (policy `always` or `unless-stopped`): stopped
    6. it ended with 0, 130 or 143: stopped
    7. anything else: crashed
    """
    state = part(container, "State")
    status = text(state, "Status")
    name = printable(text(container, "Name").removeprefix("/"))
    match status:
        case "running" if ordered:
            return Condition.STARTING, f"Somebody is stopping or restarting {name}."
        case "running":
            health = text(part(state, "Health"), "Status")
            if health == "starting":
                return Condition.STARTING, f"Docker's health check of {name} has not passed yet."
            if health == "unhealthy":
                return Condition.RUNNING, f"Docker's health check calls {name} unhealthy."
            return Condition.RUNNING, ""
        case "restarting":
            times = number(container, "RestartCount")
            return (
                Condition.STARTING,
                f"Docker is restarting {name} by itself, after {times} restarts and an end with"
                f" exit code {number(state, 'ExitCode')}.",
            )
        case "paused":
            return Condition.PAUSED, f"Somebody paused {name}: `docker unpause {name}` lets it run."
        case "created":
            if error := _error(state):
                return Condition.CRASHED, f"{name} could not be started ({error})."
            return (
                Condition.STOPPED,
                f"{name} was created and never started: `docker start {name}` does that.",
            )
        case "removing":
            return Condition.REMOVING, f"{name} is being removed."
        case "dead":
            return (
                Condition.REMOVING,
                f"Docker could remove {name} in part only: remove it with `docker rm -f {name}`"
                " and create it anew.",
            )
        case "exited" | "stopped":
            return _ended(container, name, ordered=ordered, left_stopped=left_stopped)
    return (
        Condition.RUNNING if state.get("Running") is True else Condition.UNREACHABLE,
        f"Docker says that {name} is {printable(status) or 'nothing'!r}, which this version of"
        " mailwatch does not know: update mailwatch.",
    )


def _ended(
    container: Record, name: str, *, ordered: bool | None, left_stopped: bool
) -> tuple[Condition, str]:
    state = part(container, "State")
    code = number(state, "ExitCode")
    when = _when(moment(text(state, "FinishedAt")))
    error = _error(state)
    policy = text(part(part(container, "HostConfig"), "RestartPolicy"), "Name")
    start = f"`docker start {name}` starts it"
    if left_stopped:
        return (
            Condition.CRASHED,
            f"A restart by mailwatch stopped {name}{when} and did not start it.",
        )
    if error:
        return Condition.CRASHED, f"{name} could not be started ({error})."
    if ordered:
        return Condition.STOPPED, f"Somebody stopped {name}{when}: {start}."
    if state.get("OOMKilled") is True and code not in _ENDED_ON_REQUEST:
        return (
            Condition.OOM_KILLED,
            f"The kernel killed {name}{when} because it ran out of memory: give it more memory.",
        )
    if ordered is None and policy in _RESTARTS_BY_ITSELF:
        return (
            Condition.STOPPED,
            f"Somebody stopped {name}{when}, or Docker would have restarted it: {start}.",
        )
    if code in _ENDED_ON_REQUEST:
        return Condition.STOPPED, f"{name} ended by request{when} (exit code {code}): {start}."
    return Condition.CRASHED, f"{name} ended by itself{when} with exit code {code}."


def stop_ordered(events: Iterable[Record]) -> bool | None:
    """Return whether the engine was told to end the last run that `events` show.

    They are the `start`, `kill`, `stop` and `die` events of one container, oldest first (on
    engine 29 only `Action`, `Actor`, `Type`, `scope` and `time` exist). None if they do not
    reach back to its end: an engine keeps 256 events of all containers, and none when it is
    restarted. A kill with a signal that is not meant to end anything is no order.
    """
    ordered = False
    died = False
    for event in events:
        action = text(event, "Action")
        if action == "start":
            ordered = died = False
        elif action == "stop":
            ordered = True
        elif action == "die":
            died = True
        elif action == "kill":
            signal = text(part(part(event, "Actor"), "Attributes"), "signal")
            ordered = ordered or signal not in _HARMLESS_SIGNALS
    return ordered if died or ordered else None


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
    return printable(text(state, "Error").strip().rstrip("."), 300)


def _when(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f" at {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
