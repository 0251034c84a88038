"""The doctor's look at Docker: the socket, the engine, the container, and what it publishes."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mailwatch.core.deadline import Deadline
from mailwatch.core.diagnosis import Diagnosis, ok, problem, warning
from mailwatch.core.facts import NOTHING, words
from mailwatch.core.model import Condition, TargetState
from mailwatch.core.say import say
from mailwatch.core.text import printable
from mailwatch.docker import record as record_of
from mailwatch.docker.container import Container
from mailwatch.docker.faults import EngineFault, denied
from mailwatch.docker.neighbours import is_stranded, orphans, sharers
from mailwatch.docker.network import Published, host_of, published, shares_host_network
from mailwatch.docker.record import Record
from mailwatch.docker.source_address import seen_as
from mailwatch.host.account import READ, WRITE
from mailwatch.host.clocks import clock_text
from mailwatch.host.ground import AskedPort, Ground

ENGINE_S = 10.0
"""How long the engine may take for one answer."""

HIDDEN = ("/home", "/root", "/run/user")
"""What ProtectHome=yes hides (systemd.exec(5))."""

_LEFT_ALONE = frozenset({Condition.STOPPED, Condition.ENDED, Condition.PAUSED, Condition.REMOVING})
_NOT_KNOWN = frozenset({Condition.DENIED, Condition.UNREACHABLE})


def examine(socket: str, name: str, stop_timeout_s: int, ground: Ground) -> Iterator[Diagnosis]:
    """Give one finding after the other; an engine that cannot be asked is told once."""
    yield replace(socket_access(socket, ground), check="socket")
    try:
        yield replace(engine(socket, name), check="engine")
    except EngineFault as fault:
        yield replace(problem("found", what=fault.reason), check="engine")
        return
    target = ground.target
    yield replace(container(name, target), check="container")
    if target.record:
        for found in (
            *own_times(name, target.record, stop_timeout_s, ground.start_grace_s),
            *neighbours(socket, name, target.record),
        ):
            yield replace(found, check="container")
    if target.condition is Condition.RUNNING:
        yield from (replace(found, check="log") for found in log(socket, name))
    if target.record and target.started_at:
        for found in ports(name, target.record, ground):
            yield replace(found, check="ports")


def engine(socket: str, name: str) -> Diagnosis:
    """Return that the engine and the SDK of this host understand each other; raises EngineFault."""
    with closing(Container(socket, name)) as asked:
        versions = asked.versions(Deadline.after(ENGINE_S, time.monotonic))
    engine, api, sdk = (printable(versions[key], 40) for key in ("engine", "api", "sdk"))
    return ok("docker-well", engine=engine, sdk=sdk, api=api)


def container(name: str, target: TargetState) -> Diagnosis:
    """Return whether the container that is to be restarted is there, by that name, and runs."""
    told = words(say(target.detail, clock_text)) if target.detail else NOTHING
    if target.condition in _NOT_KNOWN:
        return problem("container-unseen", name=name, detail=told)
    if target.condition in (Condition.MISSING, Condition.REMOVED):
        return problem("found", what=told)
    if target.condition in _LEFT_ALONE:
        return warning("container-left-alone", detail=told)
    if target.condition is Condition.RUNNING and not target.detail:
        return ok("container-runs", name=name)
    return warning("container-odd", name=name, detail=told, condition=str(target.condition))


def own_times(
    name: str, record: Record, stop_timeout_s: int, start_grace_s: float
) -> Iterator[Diagnosis]:
    """Give where the container's own time to stop or to start is another than ours."""
    own_s = record_of.stop_timeout_s(record)
    if own_s == record_of.LONGEST_STOP_S > stop_timeout_s:
        yield warning("container-stops-late", name=name, own_s=own_s)
    elif own_s and own_s != stop_timeout_s:
        yield _longer_counts(name, ("stop_grace_period", own_s), ("stop_timeout_s", stop_timeout_s))
    start_s = record_of.start_period_s(record)
    if start_s > start_grace_s:
        yield _longer_counts(name, ("start_period", start_s), ("start_grace_s", start_grace_s))


def _longer_counts(name: str, own: tuple[str, float], ours: tuple[str, float]) -> Diagnosis:
    return ok(
        "longer-counts",
        name=name,
        own=own[0],
        own_s=own[1],
        ours=ours[0],
        ours_s=ours[1],
        longer_s=max(own[1], ours[1]),
    )


def neighbours(socket: str, name: str, record: Record) -> Iterator[Diagnosis]:
    """Give what shares the container's network, and whose network is gone."""
    try:
        with closing(Container(socket, name)) as asked:
            others = asked.all(Deadline.after(ENGINE_S, time.monotonic))
    except EngineFault as fault:
        yield warning("sharers-unseen", name=name, why=fault.reason)
        return
    if is_stranded(host_of(record), others):
        yield problem("network-host-gone", name=name)
    if found := sharers(record, others):
        yield warning("sharers-cut", name=name, sharers=tuple(found))
    if lost := orphans(record, others):
        yield warning("sharers-stranded", sharers=tuple(lost))


def log(socket: str, name: str) -> Iterator[Diagnosis]:
    """Give what to do where the engine keeps no line of the container; causes stand in its log."""
    try:
        with closing(Container(socket, name)) as asked:
            written = asked.log(0, Deadline.after(ENGINE_S, time.monotonic))
    except EngineFault as fault:  # a log driver that keeps nothing to be read, say
        yield warning("docker-log-unread", name=name, why=fault.reason)
        return
    if not written.strip():
        yield warning("docker-log-empty", name=name)


def socket_access(socket: str, ground: Ground) -> Diagnosis:
    """Return whether the service, not whoever runs this, may use the socket of the engine."""
    path, account, unit = Path(socket), ground.account, ground.unit
    about = {"socket": socket, "user": account.name}
    if not account.exists:
        return problem("user-absent", user=account.name)
    try:
        allowed = account.may(path, READ | WRITE)
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return problem("socket-absent", socket=socket)
    except OSError:
        allowed = None
    if allowed is None:
        return warning("socket-unseen", **about)
    if not stat.S_ISSOCK(mode):
        return problem("socket-no-socket", socket=socket)
    hidden = [tree for tree in HIDDEN if path.resolve().is_relative_to(tree)]
    if hidden and unit is not None and unit["ProtectHome"] == "yes":
        return problem("socket-below", socket=socket, tree=hidden[0])
    if allowed:
        return ok("socket-usable", **about)
    why = denied(socket, account.name)
    if unit is None and why.code == "socket-needs-group":
        return problem("socket-unusable", group=why.get("group"), **about)
    return problem("found", what=why)


def ports(name: str, record: Record, ground: Ground) -> Iterator[Diagnosis]:
    """Give what is asked and not published, published and not watched, and our address."""
    asked = ground.asked_ports
    if not shares_host_network(record):
        open_ports = published(record)
        local = [one for one in asked if one.on_loopback]
        unmatched = [found for one in local for found in _not_reached(one, open_ports, name)]
        yield from unmatched
        if local and not unmatched:
            yield ok("ports-well", name=name)
        yield from _not_watched(ground, open_ports, name)
    if address := seen_as(record, ground.asked.hosts, ground.asked.introduced):
        yield ok("target-sees-us", name=name, seen_as=address)


def _not_reached(
    asked: AskedPort, open_ports: Sequence[Published], name: str
) -> Iterator[Diagnosis]:
    same = [port for port in open_ports if port.host_port == asked.port]
    if not same:
        yield warning("port-not-published", name=name, port=asked.port, service=asked.service)
    elif not any(port.on_loopback for port in same):
        yield warning(
            "port-published-elsewhere",
            service=asked.service,
            host=asked.host,
            name=name,
            addresses=tuple(port.host_address for port in same),
        )


def _not_watched(ground: Ground, open_ports: Sequence[Published], name: str) -> Iterator[Diagnosis]:
    watched = {one.port for one in ground.asked_ports}
    known = {port.host_port: ground.well_known.get(port.container_port) for port in open_ports}
    for port, service in known.items():
        if service is not None and port not in watched:
            yield warning("port-not-watched", name=name, port=port, service=service)
