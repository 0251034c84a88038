"""What the engine says of the container: its state, its health log, its limits, its address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import EVERYTHING, Finding, Json, Unreadable
from mailwatch.core.text import printable
from mailwatch.evidence.redact import redacted
from mailwatch.evidence.subject import Subject

HEALTH_LOG = 5
_NANO = 1_000_000_000


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return the state as plain values; never the environment, which holds passwords.

    `engine` is `answers`, or the kind of trouble there was in asking it.
    """
    try:
        found = subject.examine(lambda examiner: examiner.container(deadline))
    except Unreadable as reason:
        return Finding({"engine": reason.kind or "unreachable"}, {EVERYTHING: str(reason)})
    state, limits = _part(found, "State"), _part(found, "HostConfig")
    values: dict[str, Json] = {
        "engine": "answers",
        "id": _text(found, "Id")[:12],
        "image": _text(_part(found, "Config"), "Image"),
        "image_id": _text(found, "Image")[:19],
        "status": _text(state, "Status"),
        "pid": _number(state, "Pid"),
        "paused": state.get("Paused") is True,
        "oom_killed": state.get("OOMKilled") is True,
        "exit_code": _number(state, "ExitCode"),
        "error": redacted(_text(state, "Error"), subject.secrets),
        "started": _text(state, "StartedAt"),
        "finished": _text(state, "FinishedAt"),
        "restarts": _number(found, "RestartCount"),
        "restart_policy": _text(_part(limits, "RestartPolicy"), "Name"),
        "memory_limit_bytes": _number(limits, "Memory") or None,
        "pids_limit": _number(limits, "PidsLimit"),
        "cpus": (_number(limits, "NanoCpus") or 0) / _NANO or None,
        "network": _text(limits, "NetworkMode"),
        "gateway": _gateway(found),
    }
    health = _part(state, "Health")
    if health:
        values["health"] = _health(health, subject)
    return Finding(values)


def _health(health: Mapping[str, Any], subject: Subject) -> Json:
    log = health.get("Log")
    return {
        "status": _text(health, "Status"),
        "failing_streak": _number(health, "FailingStreak"),
        "log": [
            {
                "start": _text(entry, "Start"),
                "exit_code": _number(entry, "ExitCode"),
                "output": redacted(_text(entry, "Output"), subject.secrets),
            }
            for entry in (log if isinstance(log, list) else [])[-HEALTH_LOG:]
            if isinstance(entry, Mapping)
        ],
    }


def _gateway(found: Mapping[str, Any]) -> str:
    networks = _part(_part(found, "NetworkSettings"), "Networks")
    for network in networks.values():
        if isinstance(network, Mapping) and (gateway := _text(network, "Gateway")):
            return gateway
    return ""


def _part(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = table.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(table: Mapping[str, Any], name: str) -> str:
    return printable(str(table.get(name) or ""), 500)


def _number(table: Mapping[str, Any], name: str) -> int | None:
    found = table.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
