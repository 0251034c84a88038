"""The TCP sockets of the container and of the host, and whether the watched ports are listened on.

With Docker's userland proxy a connection to a published port is accepted by docker-proxy even
where nothing listens inside the container, so only the container's own table tells a ban from a
dead listener.
"""

from __future__ import annotations

import time
from collections.abc import Set
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.evidence import Finding, Json, NotReadable
from mailwatch.core.facts import Fact, fact
from mailwatch.docker.listeners import behind
from mailwatch.docker.network import inside, published
from mailwatch.docker.record import Record, part, text
from mailwatch.evidence import network
from mailwatch.evidence.subject import Subject, process_of

WATCH_S = 1.0
"""How long the counters are watched: a client sends its SYN again after one second."""


def collect(subject: Subject, deadline: Deadline) -> Finding:
    """Return `container`, `host` and `watched`; raises NotReadable."""
    values: dict[str, Json] = {}
    unreadable: dict[str, Fact] = {}
    try:
        found = subject.container(deadline)
        process = process_of(found, subject.proc)
        values["watched"] = _watched(found, subject, deadline)
        ports = {port.container_port for port in published(found)}
        values["container"] = _namespace(process / "net", ports, deadline)
    except NotReadable as missing:
        unreadable["container"] = missing.reason
        values.pop("watched", None)
    else:
        limit = text(part(part(found, "HostConfig"), "Sysctls"), "net.core.somaxconn")
        if limit.isdigit():  # set for the container: no queue has a higher one
            values["somaxconn"] = int(limit)
        else:
            why = fact("queue-limit-hidden", pid=process.name)
            unreadable["container.listeners.queue_limit"] = why
    try:
        values["host"] = network.look(subject.proc / "self" / "net", subject.ports, deadline)
    except NotReadable as missing:
        unreadable["host"] = missing.reason
    return Finding(values, unreadable)


def _namespace(net: Path, ports: Set[int], deadline: Deadline) -> dict[str, Json]:
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


def _watched(container: Record, subject: Subject, deadline: Deadline) -> list[Json]:
    """Return of each watched port whether anything listens behind it, where that is certain."""
    ports = inside(published(container), subject.ports)
    listens = behind(container, ports, deadline, subject.proc).listens
    return [
        {"port": inner, "published_as": port, "listens": listens[port]}
        for port in subject.ports
        if port in listens
        for inner in sorted(ports[port])
    ]
