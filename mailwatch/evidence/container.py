"""What the engine says of the container: its state, its health log, its limits, its address."""

from __future__ import annotations

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import EVERYTHING, Finding, Json, NotReadable
from mailwatch.core.text import printable
from mailwatch.docker.network import gateways, networks, published
from mailwatch.docker.record import Record, number, part, parts, text
from mailwatch.docker.words import said
from mailwatch.evidence.redact import redacted
from mailwatch.evidence.subject import Subject

HEALTH_LOG = 5


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return the state as plain values; never the environment, which holds passwords.

    `engine` is `answers`, or the kind of trouble there was in asking it.
    """
    try:
        found = subject.container(deadline)
    except NotReadable as silent:
        return Finding({"engine": silent.kind or "unreachable"}, {EVERYTHING: silent.reason})
    state, limits = part(found, "State"), part(found, "HostConfig")
    values: dict[str, Json] = {
        "engine": "answers",
        "id": _text(found, "Id")[:12],
        "image": _text(part(found, "Config"), "Image"),
        "image_id": _text(found, "Image")[:19],
        "status": _text(state, "Status"),
        "pid": number(state, "Pid"),
        "paused": state.get("Paused") is True,
        "oom_killed": state.get("OOMKilled") is True,
        "exit_code": number(state, "ExitCode"),
        "error": redacted(said(text(state, "Error")), subject.secrets),
        "started": _text(state, "StartedAt"),
        "finished": _text(state, "FinishedAt"),
        "restarts": number(found, "RestartCount"),
        "restart_policy": _text(part(limits, "RestartPolicy"), "Name"),
        "memory_limit_bytes": number(limits, "Memory") or None,
        "pids_limit": number(limits, "PidsLimit") or None,
        "cpus": number(limits, "NanoCpus") / 1e9 or None,
        "network": _text(limits, "NetworkMode"),
        "gateway": next(iter(gateways(found)), ""),
        "gateways": [printable(one, 64) for one in (*gateways(found), *gateways(found, six=True))],
    }
    ports = published(found)
    if (names := networks(found)) is not None:
        values["networks"] = [printable(name, 80) for name in names]
        values["published"] = sorted({port.host_port for port in ports})
        values["unpublished"] = sorted(set(subject.ports) - {port.host_port for port in ports})
    if health := part(state, "Health"):
        values["health"] = _health(health, subject)
    return Finding(values)


def _health(health: Record, subject: Subject) -> Json:
    return {
        "status": _text(health, "Status"),
        "failing_streak": number(health, "FailingStreak"),
        "log": [
            {
                "start": _text(entry, "Start"),
                "exit_code": number(entry, "ExitCode"),
                "output": redacted(_text(entry, "Output"), subject.secrets),
            }
            for entry in parts(health, "Log")[-HEALTH_LOG:]
        ],
    }


def _text(record: Record, key: str) -> str:
    return printable(text(record, key), 500)
