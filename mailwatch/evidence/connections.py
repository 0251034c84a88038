"""The TCP sockets of the container and of the host, and whether the watched ports are listened on.

With Docker's userland proxy a connection to a published port is accepted by docker-proxy even
where nothing listens inside the container, so only the container's own table tells a ban from a
dead listener.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json, Unreadable
from mailwatch.evidence import network
from mailwatch.evidence.subject import Subject

WATCH_S = 1.0
"""How long the counters are watched: a client sends its SYN again after one second."""

NO_LIMIT = (
    "the kernel shows it only inside the container's network namespace: "
    "sudo nsenter -t {pid} -n ss -ltn has it in the column Send-Q"
)


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `container`, `host` and `watched`; raises Unreadable."""
    values: dict[str, Json] = {}
    unreadable: dict[str, str] = {}
    try:
        found = subject.examine(lambda examiner: examiner.container(deadline))
        pid = process_of(found)
    except Unreadable as reason:
        unreadable["container"] = str(reason)
    else:
        ports = container_ports(found)
        net = subject.proc / str(pid) / "net"
        try:
            inside = _namespace(net, tuple(ports.values()), deadline)
        except Unreadable as reason:
            unreadable["container"] = str(reason)
        else:
            values["container"] = inside
            values["watched"] = _watched(subject.ports, ports, inside)
            limit = _limit(found)
            if limit is None:
                unreadable["container.listeners.queue_limit"] = NO_LIMIT.format(pid=pid)
            else:
                values["somaxconn"] = limit
    try:
        values["host"] = network.look(subject.proc / "self" / "net", subject.ports, deadline)
    except Unreadable as reason:
        unreadable["host"] = str(reason)
    return Finding(values, unreadable)


def process_of(container: Mapping[str, Any]) -> int:
    """Return the first process of a container; raises Unreadable where it does not run."""
    state = container.get("State")
    pid = state.get("Pid") if isinstance(state, Mapping) else None
    if not isinstance(pid, int) or pid <= 0:
        raise Unreadable("the container does not run: docker ps -a shows since when")
    return pid


def container_ports(container: Mapping[str, Any]) -> dict[int, int]:
    """Return the TCP ports that are published, port of the host -> port of the container."""
    settings = container.get("NetworkSettings")
    published = settings.get("Ports") if isinstance(settings, Mapping) else None
    ports: dict[int, int] = {}
    for inner, outer in (published or {}).items() if isinstance(published, Mapping) else ():
        number, _, protocol = str(inner).partition("/")
        if protocol != "tcp" or not number.isdigit() or not isinstance(outer, list):
            continue
        for binding in outer:
            outside = str(binding.get("HostPort", "")) if isinstance(binding, Mapping) else ""
            if outside.isdigit():
                ports[int(outside)] = int(number)
    return ports


def _namespace(net: Path, ports: tuple[int, ...], deadline: Deadline) -> dict[str, Json]:
    before = network.counters(net)
    values = network.look(net, ports, deadline)
    values.update(network.memory(net))
    # Nobody else needs this thread, and a queue that overflows does so again within a second.
    time.sleep(max(0.0, min(WATCH_S, (deadline.at - deadline.clock()) / 2)))
    after = network.counters(net)
    values.update(after)
    for name, counted in after.items():
        if name in ("listen_overflows", "listen_drops", "syncookies_sent"):
            values[f"{name.removesuffix('_sent')}_grew"] = counted - before.get(name, counted)
    return values


def _watched(
    watched: tuple[int, ...], published: Mapping[int, int], inside: Mapping[str, Json]
) -> list[Json]:
    listeners = inside.get("listeners")
    listening = {
        one.get("port")
        for one in (listeners if isinstance(listeners, list) else [])
        if isinstance(one, Mapping)
    }
    return [
        {"port": published[port], "published_as": port, "listens": published[port] in listening}
        for port in watched
        if port in published
    ]


def _limit(container: Mapping[str, Any]) -> int | None:
    """Return net.core.somaxconn where it was set for the container: no queue has a higher limit."""
    config = container.get("HostConfig")
    sysctls = config.get("Sysctls") if isinstance(config, Mapping) else None
    limit = sysctls.get("net.core.somaxconn") if isinstance(sysctls, Mapping) else None
    return int(limit) if isinstance(limit, str) and limit.isdigit() else None
